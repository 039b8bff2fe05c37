"""A mounted app opens at its first request, and again at each one until it can."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.inside import Inside
from tests.postgres import Cluster
from troth.app import create_app
from troth.settings import Settings
from troth.store.open import migrated


def held() -> int:
    """Threads of the process and tasks of its loop."""
    return threading.active_count() + len(asyncio.all_tasks())


def _with_a_wrong_key(settings: Settings, folder: Path) -> Settings:
    (folder / "wrong.key").touch(mode=0o600)
    (folder / "wrong.key").write_bytes(b"w" * 43 + b"\n")
    return replace(settings, master_key_file=str(folder / "wrong.key"))


def _with_broken_certificates(settings: Settings, folder: Path) -> Settings:
    (folder / "broken.pem").write_text("no certificate")
    hook = "https://hook.example/claims"
    return replace(settings, fetch_ca_file=str(folder / "broken.pem"), claims_hook_url=hook)


@pytest.mark.parametrize("broken", [_with_a_wrong_key, _with_broken_certificates])
@pytest.mark.parametrize("postgres", [False, True], ids=["SQLite", "PostgreSQL"])
async def test_what_cannot_be_opened_leaves_nothing_behind(
    tmp_path: Path, cluster: Cluster, broken: object, postgres: bool
) -> None:
    kind = {}
    if postgres:
        kind["database"] = await asyncio.to_thread(cluster.database)
        await migrated(Settings(database=kind["database"]))
    inside = await Inside(tmp_path, **kind).open()
    await inside.close()
    assert callable(broken)
    app = create_app(broken(inside.settings, tmp_path))
    before = held()
    for _ in range(12):
        with pytest.raises(Exception, match=r"master key|PEM|certificate|SSL"):
            await app.open()
        assert app.op is None, "nobody is answered by half of a server"
    assert held() <= before + 2, "a pool of threads may have begun"
    app.settings = inside.settings
    assert await app.open() is app.op
    await app.close()
