"""`troth serve` and `troth dev`."""

import click

from troth.cli.common import Failure, settings


@click.command()
@click.option("--workers", type=int, help="Server processes (TROTH_WORKERS).")
def serve(workers: int | None) -> None:
    """Run the server until SIGTERM."""
    import os
    import sqlite3

    from troth.settings import SettingsError
    from troth.signing.keys import KeyRingError
    from troth.store import StoreUnavailable
    from troth.store.migrate import SchemaError

    if workers is not None:
        os.environ["TROTH_WORKERS"] = str(workers)
    chosen = settings()
    from troth import supervisor

    try:
        code = supervisor.serve(chosen)
    except (SettingsError, KeyRingError, SchemaError, StoreUnavailable) as error:
        raise Failure(str(error)) from None
    except (OSError, sqlite3.Error) as error:
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
