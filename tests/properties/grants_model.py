"""Grants as a dictionary would keep them: what must come of every step, and nothing of how."""

from dataclasses import dataclass, field

CODE_LIFE, RETRY, IDLE, CHAIN_LIFE, ACCESS_LIFE = 60, 30, 200, 1000, 120


@dataclass
class Chain:
    generation: int
    rotated_at: int
    expires_at: int
    revoked: bool = False


@dataclass
class Code:
    """A code, and after its redemption the chain that it began."""

    text: str
    person: str
    client: str
    stands_on: tuple[int, ...]
    session: int
    issued_at: int
    chain: Chain | None = None


@dataclass(frozen=True)
class Refresh:
    text: str
    code: int
    generation: int


@dataclass(frozen=True)
class Access:
    text: str
    code: int
    expires_at: int


@dataclass
class Model:
    """Numbers instead of rows: whatever ends things below it counts one up."""

    now: int
    approvals: dict[tuple[str, str], int] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)
    codes: list[Code] = field(default_factory=list)
    refreshes: list[Refresh] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)

    def basis(self, person: str, client: str) -> tuple[int, ...]:
        return self.approvals.get((person, client), 0), self.epochs.get(person, 0)

    def stands(self, code: Code) -> bool:
        """Whether everything above a chain still is as it was."""
        return code.stands_on == self.basis(code.person, code.client)

    def end_person(self, person: str) -> None:
        self.epochs[person] = self.epochs.get(person, 0) + 1
        self.end_session(person)

    def end_session(self, person: str) -> None:
        self.sessions[person] = self.sessions.get(person, 0) + 1

    def issued(self, text: str, person: str, client: str) -> None:
        basis, session = self.basis(person, client), self.sessions.get(person, 0)
        self.codes.append(Code(text, person, client, basis, session, self.now))

    def redeem(self, code: Code, client: str) -> bool:
        """Whether tokens come of it. A second use by its owner ends what came of the first."""
        if client != code.client:
            return False
        if code.chain is not None:
            code.chain.revoked = True
            return False
        fresh = self.now < code.issued_at + CODE_LIFE
        same_session = code.session == self.sessions.get(code.person, 0)
        if not (fresh and same_session and self.stands(code)):
            return False
        code.chain = Chain(1, self.now, self.now + CHAIN_LIFE)
        return True

    def refresh(self, token: Refresh, client: str) -> bool:
        code, chain = self.codes[token.code], self._chain(token.code)
        over = self.now >= chain.expires_at or chain.rotated_at <= self.now - IDLE
        if client != code.client or over or chain.revoked or not self.stands(code):
            return False
        if token.generation == chain.generation:
            chain.generation, chain.rotated_at = chain.generation + 1, self.now
            return True
        previous = token.generation == chain.generation - 1
        if previous and self.now < chain.rotated_at + RETRY:
            return True
        chain.revoked = True
        return False

    def former(self) -> list[Refresh]:
        """Tokens of standing chains that were used before."""
        return [
            token
            for token in self.refreshes
            if token.generation < self._chain(token.code).generation
            and not self._chain(token.code).revoked
        ]

    def revoke(self, token: Refresh | Access, client: str) -> None:
        if client == self.codes[token.code].client:
            self._chain(token.code).revoked = True

    def active(self, token: Access) -> bool:
        code = self.codes[token.code]
        return (
            self.now < token.expires_at
            and not self._chain(token.code).revoked
            and self.stands(code)
        )

    def _chain(self, number: int) -> Chain:
        chain = self.codes[number].chain
        assert chain is not None
        return chain
