"""The composition root: from `Settings` to an ASGI app, and the one way of every request.

A request is read whole under limits, finds its endpoint by exact path, and is answered; every
refusal raised on the way is rendered here, and nowhere else.
"""

import asyncio
import secrets
import time
from functools import partial
from itertools import count

from troth import asgi, cors, log, metrics
from troth.admission import Admission
from troth.answers import Answers
from troth.beside import Beside
from troth.browser.pages.render import Pages
from troth.browser.pages.views import Brand
from troth.errors import NoPlace, OAuthError, PageError
from troth.http import Cost, Headers, Request, Response
from troth.intake import Arrival, Intake
from troth.line import Line
from troth.looks import load_logo
from troth.op import Op
from troth.opening import opened
from troth.patience import Deadlines, begin
from troth.routing import Route, routes
from troth.settings import Settings
from troth.store import StoreUnavailable

# Whatever the database does, a request has its answer within two seconds; a password's hash may
# have to wait for others.
_PATIENCE = {Cost.DATABASE: 1.85, Cost.PASSWORD: 5.0}


class App:
    """A plain ASGI app. It opens at lifespan start-up, or at its first request when mounted."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.op: Op | None = None
        self._opening = asyncio.Lock()
        self._beside: Beside | None = None
        self._routes = routes(settings)
        self._intake = Intake(settings)
        self._pages = Pages(_brand(settings), settings.base)
        self._answers = Answers(settings, self._pages)
        self.always = self._answers.always
        self._admission = Admission()
        self._line = Line()
        self._deadlines = {
            cost: Deadlines(seconds, self._give_up) for cost, seconds in _PATIENCE.items()
        }
        self._late: set[asyncio.Task[Response]] = set()
        # A request's id names it and is no secret: what is random in it is the process.
        self._run = secrets.token_hex(5)
        self._number = count(1)
        self._busy = self._answers.busy(browser=False)
        self._busy_page = self._answers.busy(browser=True)

    async def open(self) -> Op:
        """Open what `opened` makes, once. Raises where anything is not as it must be."""
        if self.op is not None:
            return self.op
        async with self._opening:
            if self.op is None:
                self.op = await opened(self.settings, self._pages)
                self._beside = Beside(self.op)
        return self.op

    async def close(self) -> None:
        if self._beside is not None:
            await self._beside.stop()
        if self.op is not None:
            await self.op.close()
            self.op = None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "lifespan":
            await asgi.lifespan(self, receive, send)
        elif scope["type"] == "http":
            await self.open()
            arrival = await asgi.arrived(scope, receive)
            if arrival is not None:
                begun = self.begin(arrival)
                response = begun if isinstance(begun, Response) else await begun
                await asgi.send_response(response, self.always, scope["method"] == "HEAD", send)

    def begin(
        self, arrival: Arrival, *, at_once: bool = True
    ) -> Response | asyncio.Future[Response]:
        """The answer where it waits for nothing, and else a future that ends with it; never raises.

        `at_once` may be forbidden, so that others have their turn first.
        """
        route, now = self._routes.get(arrival.path), time.monotonic()
        cost = Cost.CHEAP if route is None else route.cost_of(arrival.method)
        if cost is Cost.CHEAP:
            if at_once:
                return self._begin(arrival, route, cost)
        elif not self._admission.enter(cost, now):
            return self._turned_away(route)
        elif at_once and self._line.free(now):
            return self._begin(arrival, route, cost)
        leave = partial(self._admission.leave, cost)
        return self._line.join(partial(self._begin, arrival, route, cost), leave)

    def held_up(self) -> bool:
        """Whether a request that was just read may be one that nobody waits for any more."""
        return self._line.held_up(time.monotonic())

    def _begin(
        self, arrival: Arrival, route: Route | None, cost: Cost
    ) -> Response | asyncio.Task[Response]:
        begun = begin(self._respond(arrival, route, cost))
        if isinstance(begun, tuple):
            return begun[0]
        if cost is not Cost.CHEAP:
            self._deadlines[cost].watch(begun)
        return begun

    def _give_up(self, task: "asyncio.Task[Response]") -> None:
        """Each wait was short enough, all of them were not."""
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        task.get_loop().call_soon(task.cancel)  # after its first step, else nobody would answer

    def _turned_away(self, route: Route | None) -> Response:
        metrics.requests(_label(route), 503).inc()
        return self._come_again(route)

    def _come_again(self, route: Route | None) -> Response:
        return self._busy_page if route is not None and route.browser else self._busy

    async def _respond(self, arrival: Arrival, route: Route | None, cost: Cost) -> Response:
        """The answer to a request that was admitted, whose place is given back. Never raises."""
        assert self.op is not None
        started = time.perf_counter()
        try:
            response = await self._refused_or_answered(arrival, route, self.op)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task not in self._late:
                raise
            task.uncancel()
            log.logger().error("request.late", endpoint=arrival.path[:200])
            response = self._come_again(route)
        finally:
            self._admission.leave(cost)
        label = _label(route)
        metrics.requests(label, response.status).inc()
        metrics.seconds(label).observe(time.perf_counter() - started)
        return response

    async def _refused_or_answered(self, arrival: Arrival, route: Route | None, op: Op) -> Response:
        if route is None and arrival.method in ("GET", "HEAD"):
            static = self._pages.static.get(arrival.path.removeprefix(self.settings.base))
            if static is not None:
                return self._answers.static(static)
        request_id = f"{self._run}{next(self._number):010x}"
        browser = route is not None and route.browser
        request: Request | None = None
        try:
            request = self._intake.read(arrival, request_id)
            response = await self._answer(request, route, op)
        except (OAuthError, PageError) as error:
            if request is None and route is not None:
                op.noted(arrival.path, request_id, error)
            response = await self._refusal(request, route, error, op, request_id)
        except NoPlace:
            self._admission.refuse(Cost.PASSWORD, time.monotonic())
            return self._come_again(route)
        except StoreUnavailable as error:
            log.logger().error("store.unavailable", request_id=request_id, reason=str(error)[:300])
            response = self._answers.unavailable(request, browser)
        except Exception as error:  # the last line of defence: never a traceback on the wire
            log.logger().error(
                "request.failed",
                request_id=request_id,
                kind=type(error).__name__,
                where=_where(error),
            )
            response = self._answers.failed(request, browser)
        return response.to(request_id)

    async def _answer(self, request: Request, route: Route | None, op: Op) -> Response:
        if route is None:
            return self._answers.not_found(request)
        if request.method not in route.methods:
            if request.method == "OPTIONS" and route.cors:
                return await cors.preflight(request, op)
            return self._answers.method_not_allowed(request, route.methods, route.browser)
        try:
            await op.store.fresh()
        except StoreUnavailable:  # keys and metadata stay up; what needs the database ends here
            if route.cost_of(request.method) is not Cost.CHEAP:
                raise
        response = await route.handle(request, op)
        if route.cors and (headers := await cors.allowed(request, op)):
            return response.adding(headers)
        return response

    async def _refusal(
        self,
        request: Request | None,
        route: Route | None,
        error: OAuthError | PageError,
        op: Op,
        request_id: str,
    ) -> Response:
        readable: Headers = ()
        if request is not None and route is not None:
            try:
                await op.refused(request, error)
                readable = await cors.allowed(request, op) if route.cors else ()
            except StoreUnavailable:
                return self._answers.unavailable(request, route.browser)
        if isinstance(error, PageError) or (route is not None and route.browser):
            return self._answers.page(error, request_id)
        return self._answers.json(error, request, request_id).adding(readable)


def _brand(settings: Settings) -> Brand:
    return Brand(
        name=settings.operator_name,
        support_url=settings.support_url or None,
        logo=load_logo(settings.logo_file) if settings.logo_file else None,
        accent=settings.accent or None,
    )


def _label(route: Route | None) -> str:
    """What metrics call a path: only known ones have a name of their own."""
    return route.label if route is not None else "other"


def _where(error: BaseException) -> str:
    """The innermost file and line: enough to find it, and no value of any variable."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


def create_app(settings: Settings) -> App:
    """An ASGI app of a whole Troth: `troth serve` is one way to run it, mounting another."""
    return App(settings)
