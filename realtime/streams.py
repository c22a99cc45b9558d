"""The composition root: loads REALTIME_STREAMS and answers which stream reads a topic and which views there are."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from realtime.api import Stream
from realtime.lenses import View
from realtime.overview import PIPELINE


@cache
def streams() -> tuple[Stream, ...]:
    """The streams of this project. Raises ImproperlyConfigured where a path names none, or two read one topic."""
    loaded = []
    for path in settings.REALTIME_STREAMS:
        try:
            stream = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(f"REALTIME_STREAMS names {path!r}, which cannot be imported: {error}") from error
        if not isinstance(stream, Stream):
            raise ImproperlyConfigured(f"REALTIME_STREAMS names {path!r}, which is no Stream.")
        loaded.append(stream)
    topics = [stream.topic for stream in loaded]
    for topic in topics:
        if topics.count(topic) > 1:
            raise ImproperlyConfigured(f"Two of REALTIME_STREAMS read the topic {topic!r}.")
    return tuple(loaded)


def by_topic() -> dict[str, Stream]:
    return {stream.topic: stream for stream in streams()}


@cache
def feeds() -> dict[str, set[str]]:
    """By group: the topics that it is fed by."""
    groups = {view.group for stream in streams() for view in stream.views}
    return {
        group: {stream.topic for stream in streams() if group in {view.group for view in stream.views}}
        for group in groups
    }


@cache
def views() -> dict[str, View]:
    """By name; streams may share a view. How the machine itself stands is one more."""
    return {view.name: view for stream in streams() for view in stream.views} | {PIPELINE.name: PIPELINE}
