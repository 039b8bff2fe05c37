"""Registrations: their JSON under the registered names, and what may stand in one."""


class RegistrationError(Exception):
    """A registration that cannot be; the message is one sentence that names the member."""
