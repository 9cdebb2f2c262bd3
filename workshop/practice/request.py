"""A model request and its reply, whichever of OpenAI's two APIs they come in or go out by."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any


@dataclass(frozen=True)
class Message:
    """What someone said; role is `user` or `assistant`."""

    role: str
    text: str


@dataclass(frozen=True)
class FunctionCall:
    """A tool call that the model made earlier; `arguments` is JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class FunctionOutput:
    """What a tool returned for the call of that id."""

    call_id: str
    text: str


Item = Message | FunctionCall | FunctionOutput


@dataclass(frozen=True)
class Tool:
    """A tool that is offered; `parameters` is its JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRequest:
    """What the model decides from. `choice` is auto, none, required or a tool's name."""

    model: str
    instructions: str
    items: Sequence[Item]
    tools: Sequence[Tool] = ()
    stream: bool = False
    choice: str = "auto"
    parallel: bool = True
    schema: dict[str, Any] | None = None  # of a structured answer

    @property
    def opening(self) -> str:
        """The first thing the user said; where a filter left nothing of the user's, the first that was said."""
        said = [item for item in self.items if isinstance(item, Message)]
        return next((item.text for item in sorted(said, key=lambda item: item.role != "user")), "")

    @property
    def turn(self) -> int:
        """1 for a fresh conversation, one more for each reply of the model in it."""

        def of_the_model(item: Item) -> bool:
            return isinstance(item, FunctionCall) or (isinstance(item, Message) and item.role == "assistant")

        return 1 + sum(reply for reply, _ in groupby(self.items, of_the_model))

    def latest(self) -> tuple[str, Sequence[Item]]:
        """The user's latest message and everything that came after it."""
        for index in range(len(self.items) - 1, -1, -1):
            item = self.items[index]
            if isinstance(item, Message) and item.role == "user":
                return item.text, self.items[index + 1 :]
        return self.opening, self.items

    def earlier(self) -> list[str]:
        """What the user said before that, newest first."""
        said = [item.text for item in self.items if isinstance(item, Message) and item.role == "user"]
        return said[-2::-1]


@dataclass(frozen=True)
class ToolCall:
    """A tool call that the reply asks for."""

    name: str
    arguments: dict[str, Any]
    bare: bool = False  # the fault of a model that writes the values as a list, with no names

    @property
    def written(self) -> str:
        """The arguments as JSON text."""
        return json.dumps(list(self.arguments.values()) if self.bare else self.arguments)


@dataclass(frozen=True)
class Reply:
    """Either tool calls or a text."""

    calls: Sequence[ToolCall] = ()
    text: str = ""
