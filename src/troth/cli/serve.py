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


@click.command()
@click.option(
    "--folder",
    default=".troth-dev",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Where the demo keeps its database and keys.",
)
def dev(folder: str) -> None:
    """Run the server with a demo person, a demo application and a demo API."""
    from troth.demo.launch import launch

    raise SystemExit(launch(folder))
