"""Hypothesis for this folder: no deadline on a busy machine, and a failure that can be repeated."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "troth",
    deadline=None,
    max_examples=200,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("troth")
