"""What a call that cannot be answered is told: JSON-RPC's error object and its codes."""

from typing import Any

SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REVERTED = 3


class RpcError(Exception):
    """Answered to the caller as JSON-RPC's error object."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data

    def view(self) -> dict[str, Any]:
        """The error object."""
        error = {"code": self.code, "message": str(self)}
        return error if self.data is None else {**error, "data": self.data}
