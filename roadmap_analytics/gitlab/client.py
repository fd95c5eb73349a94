"""A python-gitlab client with the caller's credentials; its failures in this package's words."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote, urljoin

import gitlab
import orjson
import requests
from gitlab.config import ConfigError, GitlabConfigParser, GitlabIDError

from roadmap_analytics.errors import AccessError, ConfigurationError, ServerError
from roadmap_analytics.gitlab import paging
from roadmap_analytics.gitlab.transport import WEB_PAGE, Limiter, Session, Transport, reason
from roadmap_analytics.records import Row
from roadmap_analytics.soundness import OddRow, sound_issue

TOKEN_VARIABLE = "GITLAB_PRIVATE_TOKEN"
TIMEOUT_SECONDS = 60.0
PAGE = 100


class PartFailed(Exception):  # noqa: N818 - the rest goes on
    """A request that failed for good, while others may not."""

    def __init__(self, status: int | None, message: str) -> None:
        super().__init__(message)
        self.status = status  # of HTTP; None where no answer came
        self.message = message  # what the server or the network said, in one plain line

    @property
    def forbidden(self) -> bool:
        """Whether it is a matter of rights (GitLab hides what one may not see as a 404)."""
        return self.status in (401, 403, 404)


def connect(
    origin: str,
    section: str | None,
    limiter: Limiter,
    jobs: int,
    now: Callable[[], datetime],
    *,
    anonymous: bool = False,
) -> Client:
    """Make a client from `GITLAB_PRIVATE_TOKEN` or python-gitlab's own configuration.

    Parameters
    ----------
    origin
        Address of the GitLab.
    section
        Section of python-gitlab's configuration; its default section unless given.
    now
        This machine's clock, for servers that do not tell their time.
    anonymous
        Whether to send no credentials, though there are some.

    Raises
    ------
    ConfigurationError
        Where that configuration cannot be read, or its section is about another GitLab.
    """
    settings = _settings(origin, section)
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    secrets: dict[str, Any] = {
        name: getattr(settings, name, None)
        for name in ("private_token", "oauth_token", "job_token", "http_username", "http_password")
    }
    if token:
        secrets = {"private_token": token}
    if anonymous:
        secrets = {}
    for name, secret in secrets.items():
        if secret and not (secret.isascii() and secret.isprintable()):
            raise ConfigurationError(
                f"{TOKEN_VARIABLE if token else name}: expected printable ASCII characters, got "
                "others (not shown). Copy the token again."
            )
    transport = Transport(origin, limiter, jobs, now)
    try:
        api = gitlab.Gitlab(
            origin,
            ssl_verify=settings.ssl_verify if settings else True,
            timeout=settings.timeout if settings else TIMEOUT_SECONDS,
            user_agent=settings.user_agent if settings else gitlab.const.USER_AGENT,
            keep_base_url=True,  # pages follow the given address, never a host that an answer names
            session=Session(transport),
            **secrets,
        )
    except ValueError as error:
        raise ConfigurationError(f"python-gitlab's configuration: {error}.") from None
    return Client(api, transport, [secret for secret in secrets.values() if secret])


def _settings(origin: str, section: str | None) -> GitlabConfigParser | None:
    """Find the section of python-gitlab's configuration that is about this GitLab, if any."""
    try:
        settings = GitlabConfigParser(section)
    except GitlabIDError:
        return None  # a file without a default section, or none at all
    except (ConfigError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"python-gitlab's configuration: {_one_line(str(error)).rstrip(' :.')}. "
            "Fix it, or name another [gitlab] section in roadmap.toml."
        ) from None
    if (settings.url or "").rstrip("/").lower() == origin.lower():
        return settings
    if section:
        raise ConfigurationError(
            f"python-gitlab's configuration, section {section}: expected url = {origin}, "
            f"got {settings.url}. Its token is for that address only."
        )
    return None


class Client:
    """Asks GitLab, one page after another."""

    def __init__(self, api: gitlab.Gitlab, transport: Transport, secrets: list[str]) -> None:
        self._api = api
        self._secrets = secrets
        self.transport = transport  # counts the requests and reads the server's clock

    @property
    def has_credentials(self) -> bool:
        """Whether requests carry a token or password."""
        return bool(self._secrets)

    def close(self) -> None:
        """Let go of the connections."""
        self.transport.close()

    def get(self, path: str, *, needed: Collection[str] = (), **query: Any) -> Row:
        """Ask for one object that has these fields."""
        answer = self._ask(lambda: self._api.http_get(path, **_STRICT, **query), path)
        if not isinstance(answer, dict) or any(answer.get(name) is None for name in needed):
            raise PartFailed(200, f"an answer without {' '.join(needed) or 'an object'}")
        return answer

    def raw(self, path: str, **query: Any) -> bytes:
        """Ask for the bytes of a file."""
        answer = self._ask(lambda: self._api.http_get(path, raw=True, **_STRICT, **query), path)
        return bytes(answer.content)

    def rows(
        self,
        path: str,
        /,
        *,
        key: str = "id",
        needed: Collection[str] = (),
        sound: Callable[[Any], Any] | None = None,
        odd: Callable[[Any, str], None] | None = None,
        **query: Any,
    ) -> Iterator[Row]:
        """Yield the rows of a list, following the pages; each `key` once.

        An answer that lacks rows in the middle of a page (rights are applied after paging) is no
        end: only a page that names no next one is.

        Parameters
        ----------
        path
            Of the list.
        key, needed
            Fields that a row must have.
        sound
            Called on each row; raises `OddRow` where it is not what it should be.
        odd
            Called with each such row and why, and the others go on; without it the list fails.
        """
        seen: set[Any] = set()
        for page in self._pages(path, query):
            before = len(seen)
            for row in page:
                try:
                    _has(row, (key, *needed))
                    if sound is not None:
                        sound(row)
                except OddRow as why:
                    if odd is None:
                        raise PartFailed(200, f"a row that is odd: {why}") from None
                    odd(row, str(why))
                    seen.add(orjson.dumps(row))
                    continue
                if row[key] not in seen:
                    seen.add(row[key])
                    yield row
            if page and len(seen) == before:
                raise PartFailed(200, "a next page without any new row, so that the end is missing")

    def sample(
        self,
        path: str,
        size: int,
        *,
        sound: Callable[[Any], Any] | None = None,
        **query: Any,
    ) -> tuple[list[Row], int | None]:
        """Give the first rows of a list, and how many there are (None: not told, over 10,000)."""
        response = self._ask(lambda: self._page(path, {**query, "per_page": size}), path)
        rows = orjson.loads(response.content)
        if not isinstance(rows, list):
            raise PartFailed(200, "an answer that is no list")
        for row in rows[:size]:
            try:
                if sound is not None:
                    sound(row)
            except OddRow as why:
                raise PartFailed(200, f"a row that is odd: {why}") from None
        return rows[:size], paging.total(response.headers)

    def graphql(self, body: Row) -> Row:
        """Ask the GraphQL API; what the answer means is for the caller to see."""
        path = "/api/graphql"
        address = f"{self._api.url}{path}"
        answer = self._ask(lambda: self._api.http_post(address, post_data=body, **_STRICT), path)
        if not isinstance(answer, dict):
            raise PartFailed(200, "an answer that is no JSON object")
        return answer

    def web_address(self, path: str) -> str:
        """Complete a path that GitLab gives from its host on, as ``/groups/a/-/milestones/1``."""
        return urljoin(self._api.url, path)

    def issues(self, path: str, odd: Callable[[Any, str], None], **query: Any) -> Iterator[Row]:
        """Yield all issues of a list by creation, safe against rows that shift between pages.

        Every hundred rows the list is asked again from the creation of the last row on, instead of
        by page number: what is deleted or inserted before cannot push rows over a page's edge.
        """
        query |= {"scope": "all", "state": "all", "order_by": "created_at", "sort": "asc"}
        seen: set[int] = set()
        while True:
            pages = self.rows(path, sound=sound_issue, odd=odd, **query)
            fresh: list[Row] = []
            count = PAGE
            while count == PAGE and not fresh:  # a whole page of one instant: go on by number
                batch = list(islice(pages, PAGE))
                count = len(batch)
                fresh = [row for row in batch if row["id"] not in seen]
            yield from fresh
            seen.update(row["id"] for row in fresh)
            if count < PAGE:
                return
            query["created_after"] = batch[-1]["created_at"]

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[list[Any]]:
        """Yield the pages of a list; see `paging` for what makes the next one."""
        upcoming: paging.Following | None = paging.Following({**query, "per_page": PAGE}, True)
        last: list[Any] = []
        empty = 0
        while upcoming is not None:
            asked, named = upcoming
            response = self._ask(functools.partial(self._page, path, asked), path)
            page = orjson.loads(response.content)
            if not isinstance(page, list):
                raise PartFailed(200, "an answer that is no list")
            if not named and page == last and len(page) < PAGE:
                return  # a server that knows no pages gives its whole list again
            yield page
            empty = 0 if page else empty + 1
            upcoming, last = paging.following(asked, response.headers, len(page)), page
            if upcoming is not None and upcoming.query == asked:
                raise PartFailed(200, "a page that names itself as the next one")
            if upcoming is not None and empty >= paging.MOST_EMPTY_PAGES:
                raise PartFailed(200, f"{empty} pages without a row, and yet a next one")

    def _page(self, path: str, query: Row) -> Any:
        return self._api.http_get(path, query, raw=True, **_STRICT)

    def _ask(self, request: Any, path: str) -> Any:
        """Make a request; say in this package's words how it failed."""
        try:
            return request()
        except gitlab.GitlabAuthenticationError as error:
            raise AccessError(self._unauthorised(path, error)) from None
        except gitlab.GitlabHttpError as error:
            if (error.response_body or b"").lstrip()[:1] == b"<":
                raise PartFailed(error.response_code, WEB_PAGE) from None
            raise PartFailed(error.response_code, self.scrubbed(_said(error))) from None
        except requests.exceptions.SSLError as error:
            if "WRONG_VERSION_NUMBER" in str(error):
                raise ConfigurationError(
                    f"{self._api.url}: expected TLS, got an answer without. "
                    "Write http:// if this GitLab has no TLS, else check the port."
                ) from None
            raise ServerError(
                f"{self._api.url}: certificate not trusted ({self.scrubbed(reason(error))}). "
                "Name your CA file as ssl_verify in python-gitlab's configuration."
            ) from None
        except (requests.RequestException, gitlab.GitlabError) as error:
            raise PartFailed(None, self.scrubbed(reason(error))) from None

    def _unauthorised(self, path: str, error: gitlab.GitlabError) -> str:
        if self.has_credentials:
            todo = "The token is wrong, expired or revoked: make one with the scope read_api."
        else:
            todo = f"Set {TOKEN_VARIABLE} to a token with the scope read_api."
        said = self.scrubbed(_said(error))
        return f"{self._api.url}{path}: expected an answer, got 401 ({said}). {todo}"

    def scrubbed(self, text: Any) -> str:
        """One plain line of a text from outside, without any secret of ours."""
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for secret in self._secrets:
            plain = plain.replace(secret, "[secret]").replace(quote(secret, ""), "[secret]")
        return _one_line(plain)


def _has(row: Any, names: Collection[str]) -> None:
    if not isinstance(row, dict):
        raise OddRow("expected an object")
    for name in names:
        if row.get(name) is None or isinstance(row[name], dict | list):
            raise OddRow(f"no {name}")


_STRICT: dict[str, Any] = {"obey_rate_limit": False, "retry_transient_errors": False}
"""`Transport` waits and repeats; python-gitlab doing so as well would multiply the attempts."""


def _said(error: gitlab.GitlabError) -> Any:
    """Give what the server said, at its most talkative."""
    try:
        body = orjson.loads(error.response_body or b"")
        if "errors" in body:  # GraphQL
            return body["errors"][0]["message"]
        return body["error_description"]
    except (ValueError, KeyError, TypeError, IndexError):
        return error.error_message


def _one_line(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split())[:200]
