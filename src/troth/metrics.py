"""Counters with fixed label sets; in several processes they are summed by the library's files."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "troth_requests_total", "Requests by endpoint and status.", ["endpoint", "status"]
)
REFUSALS = Counter("troth_refusals_total", "Refusals by endpoint and code.", ["endpoint", "error"])
TOKENS = Counter("troth_tokens_issued_total", "Token answers by grant type.", ["grant_type"])
LOGINS = Counter("troth_logins_total", "Login attempts by outcome.", ["outcome"])
SECONDS = Histogram(
    "troth_request_seconds",
    "Time from the request's last byte to the answer.",
    ["endpoint"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0),
)
