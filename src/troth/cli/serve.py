"""`troth serve` and `troth dev`."""

import click

from troth.cli.common import Failure, failing, settings


@click.command()
@click.option("--workers", type=int, help="Server processes (TROTH_WORKERS).")
def serve(workers: int | None) -> None:
    """Run the server until SIGTERM."""
    import os

    if workers is not None:
        os.environ["TROTH_WORKERS"] = str(workers)
    chosen = settings()
    from troth import supervisor

    try:
        code = failing(lambda: supervisor.serve(chosen))
    except OSError as error:
        raise Failure(f"the server cannot start: {error}") from None
    raise SystemExit(code)


PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--folder",
    default=".troth-dev",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Where the demo keeps its database and keys.",
)
@click.option("--port", type=PORT, default=8000, show_default=True, help="Port of the server.")
@click.option(
    "--app-port", type=PORT, default=8001, show_default=True, help="Port of the demo application."
)
@click.option(
    "--api-port", type=PORT, default=8002, show_default=True, help="Port of the demo API."
)
def dev(folder: str, port: int, app_port: int, api_port: int) -> None:
    """Run the server with a demo person, a demo application and a demo API.

    Everything listens on this machine only, and keeps its data in the folder.
    """
    from pathlib import Path

    try:
        from troth.demo.launch import launch
        from troth.demo.plan import CannotStart, Plan
    except ModuleNotFoundError as error:
        raise Failure(
            f"{error.name} is missing; install it with: pip install troth[demo]"
        ) from None
    plan = Plan(folder=Path(folder).absolute(), port=port, app_port=app_port, api_port=api_port)
    try:
        code = failing(lambda: launch(plan))
    except CannotStart as error:
        raise Failure(str(error)) from None
    raise SystemExit(code)
