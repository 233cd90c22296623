"""A client of a Redis Cluster, which does whole what is to be done whole."""

from __future__ import annotations

from typing import Any, Self

from redis.asyncio.cluster import ClusterPipeline, RedisCluster
from redis.commands import AsyncCoreCommands
from redis.exceptions import ExecAbortError, MovedError, ResponseError, SlotNotCoveredError


class Cluster(RedisCluster):
    """The library's client, with transactions of our own.

    A redirection is followed, for whoever answers with one has done nothing; nothing else is repeated.
    """

    def pipeline(self, transaction: Any = None, _shard_hint: Any = None) -> Any:
        """Return a pipeline; the keys of one that is a `transaction` are all in one slot.

        The library's own transactions run each command in a thread with an event loop of its own, which the
        client's connections do not belong to.
        """
        return _Whole(self) if transaction else _Pipeline(self)


class _Pipeline(ClusterPipeline):
    """The library's, which lets no script into it though each is routed by its keys like anything else."""

    _event_dispatcher: Any = None

    def evalsha(self, *words: Any) -> Any:
        """Put a script behind the others."""
        return self.execute_command("EVALSHA", *words)


class _Whole(AsyncCoreCommands):
    """Commands on keys of one slot, each with its key first, done together or not at all."""

    _event_dispatcher: Any = None

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._asked = []

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """Put a command behind the others."""
        self._asked.append((words, options))
        return self

    async def execute(self) -> list[Any]:
        """Do all of it and return the answers; raises the first failure."""
        if not self._asked:
            return []
        await self._cluster.initialize()
        key = self._asked[0][0][1]
        try:
            return await self._done(key)
        except MovedError:
            # The client learns where the slot is now by asking for a key of it.
            await self._cluster.exists(key)
            return await self._done(key)

    async def _done(self, key: str) -> list[Any]:
        node = self._cluster.get_node_from_key(key)
        if node is None:
            raise SlotNotCoveredError(f"No node has the slot of {key}.")
        connection = node.acquire_connection()
        try:
            await node.disconnect_if_needed(connection)
            words = [("MULTI",), *(words for words, _ in self._asked), ("EXEC",)]
            await connection.send_packed_command(connection.pack_commands(words))
            refused: ResponseError | None = None
            for _ in range(len(self._asked) + 1):
                try:
                    await connection.read_response()
                except ResponseError as error:
                    # What comes after it is read all the same.
                    refused = refused or error
            try:
                answers = await connection.read_response()
            except ExecAbortError as error:
                raise refused or error from None
        finally:
            node.release(connection)
        return [self._read(*asked, answer) for asked, answer in zip(self._asked, answers, strict=True)]

    def _read(self, words: tuple[Any, ...], options: dict[str, Any], answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        read = self._cluster.response_callbacks.get(words[0])
        return answer if read is None else read(answer, **options)
