"""Errors that Vagus raises. A subclass exists only where a caller acts differently."""


class VagusError(Exception):
    """Anything Vagus refuses, with a message saying what, got and allowed."""


class ConfigError(VagusError):
    """A robot file, setting or argument is wrong; nothing has started."""


class CommandError(VagusError):
    """A command or an array handed to a pure function cannot be used."""


class StreamError(VagusError):
    """A stream cannot be opened, written or read."""


class LayoutError(StreamError):
    """Writer and reader disagree about a stream's layout; the message shows both."""


class BodyError(VagusError):
    """The body (bus, motor, simulation) did not do what was asked."""


class PlannerError(VagusError):
    """A language model gave no plan that can be used: it is down, late, over its caps, or said what is not allowed."""
