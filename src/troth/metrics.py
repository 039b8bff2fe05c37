"""Counters with fixed label sets; in several processes they are summed by the library's files."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "troth_requests_total", "Requests by endpoint and status.", ["endpoint", "status"]
)
REFUSALS = Counter("troth_refusals_total", "Refusals by endpoint and code.", ["endpoint", "error"])
TOKENS = Counter("troth_tokens_issued_total", "Token answers by grant type.", ["grant_type"])
TURNED_AWAY = Counter(
    "troth_turned_away_total", "Requests over the bound of their class of cost.", ["cost"]
)
REPLACED = Counter(
    "troth_workers_replaced_total",
    "Workers that took the place of another, by what became of that one.",
    ["outcome"],
)
LOGINS = Counter("troth_logins_total", "Login attempts by outcome.", ["outcome"])
LOGOUTS_TOLD = Counter(
    "troth_logouts_told_total", "Back-channel logout requests by what came of them.", ["outcome"]
)
SECONDS = Histogram(
    "troth_request_seconds",
    "Time from the request's last byte to the answer.",
    ["endpoint"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0),
)


# To find the counter of a label costs more than to count: each is looked up once.


@lru_cache(maxsize=1024)
def requests(endpoint: str, status: int) -> Counter:
    return REQUESTS.labels(endpoint, str(status))


@lru_cache(maxsize=256)
def seconds(endpoint: str) -> Histogram:
    return SECONDS.labels(endpoint)


@lru_cache(maxsize=64)
def tokens(grant_type: str) -> Counter:
    return TOKENS.labels(grant_type)


@lru_cache(maxsize=8)
def turned_away(cost: str) -> Counter:
    return TURNED_AWAY.labels(cost)
