"""Whether this process can do its work now."""

from server.core.errors import Unavailable
from server.core.mongo import Mongo


class Health:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.is_stopping = False

    async def require_ready(self) -> None:
        """Unavailable while the database cannot be reached or the process is stopping."""
        if self.is_stopping:
            raise Unavailable("server.stopping", "this process is stopping; another one answers")
        await self._mongo.ping()
