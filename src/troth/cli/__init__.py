"""The `troth` command. Every file here is light: what a command needs is loaded when it runs."""

import sys

import click

from troth.cli import backup, client, copy, doctor, keys, migrate, scope, serve, trace, user
from troth.cli.common import Failure


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="troth", message="troth %(version)s")
def troth() -> None:
    """Troth: an OAuth 2.0 authorization server and OpenID Provider.

    Settings come from TROTH_* variables, or from the TOML file that TROTH_CONFIG_FILE names.
    """


troth.add_command(serve.serve)
troth.add_command(serve.dev)
troth.add_command(migrate.migrate)
troth.add_command(client.client)
troth.add_command(user.user)
troth.add_command(scope.scope)
troth.add_command(keys.keys)
troth.add_command(backup.backup)
troth.add_command(backup.restore)
troth.add_command(backup.end_everything)
troth.add_command(copy.copy)
troth.add_command(doctor.doctor)
troth.add_command(trace.trace)


def main() -> None:
    """Run the command line; every expected failure is one sentence and exit code 1."""
    try:
        troth(prog_name="troth")
    except Failure as failure:
        click.echo(f"troth: {failure}", err=True)
        sys.exit(1)
