"""From `Settings` to an `Op`: what an installation has before its first request."""

from contextlib import AsyncExitStack

from troth.accounts.passwords import Passwords
from troth.browser.pages.render import Pages
from troth.fetch import Fetcher
from troth.op import Op
from troth.rules.claims import ClaimMap
from troth.settings import Settings
from troth.signing import ring
from troth.signing.keys import read_master_key
from troth.store.open import ensure_keys, open_store


async def opened(settings: Settings, pages: Pages) -> Op:
    """Migrate, open the store and the keys.

    Raises where anything is not as it must be, and leaves nothing open then: a mounted app opens
    again at its next request.
    """
    async with AsyncExitStack() as undo:
        master = read_master_key(settings.master_key_file)
        store = await open_store(settings)
        undo.push_async_callback(store.close)
        await ensure_keys(store, master)
        ring.build(store.keys, master, settings.issuer)
        op = Op(
            settings=settings,
            store=store,
            master=master,
            pages=pages,
            passwords=Passwords(),
            claim_map=ClaimMap(custom=settings.claims_by_scope),
            fetcher=Fetcher(settings.fetch_allow, settings.fetch_ca_file),
        )
        undo.pop_all()
        undo.push_async_callback(op.close)
        await op.claims_hook.ready()
        undo.pop_all()
    return op
