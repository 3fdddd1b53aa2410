"""How a connection to Exnova or IQ Option begins."""

from trading.brokers.base import BrokerRateLimited, Credentials, Password, Secret, Token
from trading.brokers.quadcode.broker import QuadcodeBroker
from trading.brokers.quadcode.gate import LoginGate
from trading.brokers.quadcode.hosts import Hosts, Patience
from trading.brokers.quadcode.login import Entrance
from trading.core.market import AccountType


class QuadcodeConnector:
    """A password is tried once for each call; a token costs no login at all."""

    def __init__(self, hosts: Hosts, *, gate: LoginGate, patience: Patience | None = None) -> None:
        self._hosts, self._gate, self._patience = hosts, gate, patience or Patience()
        self._entrance = Entrance(hosts, self._patience)

    async def connect(
        self, credentials: Credentials, *, account_type: AccountType
    ) -> QuadcodeBroker:
        if isinstance(credentials, Password):
            credentials = await self._log_in(credentials, None)
        return await self._open(credentials, account_type)

    async def send_code(self, state: Secret, *, method: str) -> Secret:
        await self._gate.enter()
        try:
            return await self._entrance.send_code(state, method=method)
        except BrokerRateLimited as refused:
            await self._gate.lock(refused.retry_after)
            raise

    async def answer(
        self, state: Secret, code: str, credentials: Password, *, account_type: AccountType
    ) -> QuadcodeBroker:
        await self._gate.enter()
        try:
            proof = await self._entrance.check_code(state, code)
        except BrokerRateLimited as refused:
            await self._gate.lock(refused.retry_after)
            raise
        return await self._open(await self._log_in(credentials, proof), account_type)

    async def _log_in(self, who: Password, proof: Secret | None) -> Token:
        await self._gate.enter()
        try:
            return await self._entrance.log_in(who, token=proof)
        except BrokerRateLimited as refused:
            await self._gate.lock(refused.retry_after)
            raise

    async def _open(self, token: Token, account_type: AccountType) -> QuadcodeBroker:
        broker = QuadcodeBroker(self._hosts, self._patience, token=token, account_type=account_type)
        await broker.start()
        return broker
