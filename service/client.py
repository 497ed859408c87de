"""A client of the service, in Python: ask, watch, wait, take the plan home.

    client = Client("http://127.0.0.1:8000", token=None)
    run = client.submit("place", "memphis-bridge", seconds=30)
    for found in run.incumbents():  # until the run ends
        print(found.seconds, found.objective, found.bound, found.gap)
    result = run.wait()
    print(result.outcome, result.gap, result.verdict["violations"])

Nothing is installed for it but this package; all calls block.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from optimizer.errors import FleetwattError
from service.http.views import EventView, Incumbent, ResultView, RunList, RunView, VerdictView
from service.runs.port import ENDED, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optimizer.domain.instance import Instance

__all__ = ["Client", "Ended", "Refused", "RemoteRun"]

RETRIES = 5
"""How often a stream that breaks off is taken up again without any news in between."""
PAUSE = 0.5
"""Before a stream is taken up again [s]."""


class Refused(FleetwattError):
    """The service refused, or cannot be reached.

    Attributes
    ----------
    status, code
        Of the problem; 0 and `unreachable` where there was no answer.
    errors
        Each with `pointer` or `parameter`, `code` and `detail`.
    """

    def __init__(self, status: int, code: str, said: str, errors: Sequence[Any] = ()) -> None:
        self.status, self.code, self.errors = status, code, tuple(errors)
        lines = [f"{e.get('pointer') or e.get('parameter')}: {e['detail']}" for e in errors]
        super().__init__("\n".join([f"{code}: {said}", *lines]))


class Ended(FleetwattError):
    """A run has ended without a result: it failed, or was cancelled.

    Attributes
    ----------
    run
        Its status.
    """

    def __init__(self, run: RunView) -> None:
        self.run = run
        why = f": {run.error.code}: {run.error.message}" if run.error is not None else ""
        super().__init__(f"run {run.id} is {run.state}{why}")


class Client:
    """Talks to one service.

    Parameters
    ----------
    url
        Where it is.
    token
        What says who asks; None where the service asks for none.
    seconds
        For one answer [s].
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8000", token: str | None = None, seconds: float = 60.0
    ) -> None:
        heads = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=heads, timeout=seconds)

    def submit(
        self,
        question: str,
        instance: Instance | Mapping[str, Any] | str,
        *,
        key: str | None = None,
        **options: Any,
    ) -> RemoteRun:
        """Return the run that was asked for.

        instance
            An instance, its JSON data, or the name of one in the catalog.
        key
            Idempotency key: with it the same request can be sent again.
        """
        body = {"instance": _data(instance), "options": options}
        heads = {} if key is None else {"Idempotency-Key": key}
        return self._run(self.ask("POST", f"/v1/{question}/runs", body, heads))

    def run(self, run: str) -> RemoteRun:
        """Return a run by its id; nothing is asked yet."""
        return RemoteRun(self, run)

    def runs(self, **which: str | int) -> list[RunView]:
        """Return runs, the newest first: by question, state, name, parent, after, limit."""
        found = self.ask("GET", "/v1/runs", params=which)
        return RunList.model_validate_json(found.content).runs

    def check(
        self, instance: Instance | Mapping[str, Any] | str, plan: Mapping[str, Any]
    ) -> VerdictView:
        """Return what the checker says of a plan."""
        body = {"instance": _data(instance), "plan": plan}
        return VerdictView.model_validate_json(self.ask("POST", "/v1/check", body).content)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """Return an answer; Refused where it is a problem."""
        more = {} if body is None else {"json": body}
        try:
            answer = self._http.request(method, path, headers=headers, params=params, **more)
        except httpx.HTTPError as e:
            raise _unreachable(self._http, e) from None
        if answer.is_error:
            raise _refused(answer)
        return answer

    def events(self, run: str, after: int = 0) -> Iterator[EventView]:
        """Yield what happens to a run until it ends; a stream that breaks off is taken up again."""
        left = RETRIES
        while True:
            try:
                for event in self._stream(run, after):
                    after, left = event.seq, RETRIES
                    yield event
                    if event.kind == "state" and event.data.get("state") in ENDED:
                        return
                if self.run(run).status().state in ENDED:
                    return
            except httpx.HTTPError as e:
                left -= 1
                if left < 0:
                    raise _unreachable(self._http, e) from None
            time.sleep(PAUSE)

    def _stream(self, run: str, after: int) -> Iterator[EventView]:
        heads = {"Last-Event-ID": str(after)}
        with self._http.stream("GET", f"/v1/runs/{run}/events", headers=heads) as answer:
            if answer.is_error:
                answer.read()
                raise _refused(answer)
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(":")
                if line and name:
                    fields[name] = value.removeprefix(" ")
                elif fields.get("id"):
                    data = json.loads(fields["data"])
                    at = data.pop("at")
                    yield EventView(seq=int(fields["id"]), at=at, kind=fields["event"], data=data)
                    fields = {}

    def _run(self, answer: httpx.Response) -> RemoteRun:
        return RemoteRun(self, answer.json()["id"])

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RemoteRun:
    """A run of a service."""

    def __init__(self, client: Client, run: str) -> None:
        self._client, self.id = client, run

    def status(self) -> RunView:
        """Return its status."""
        return RunView.model_validate_json(self._ask("GET", "").content)

    def events(self, after: int = 0) -> Iterator[EventView]:
        """Yield what happens to it, until it ends."""
        return self._client.events(self.id, after)

    def incumbents(self, after: int = 0) -> Iterator[Incumbent]:
        """Yield better plans and bounds as they are found, until it ends."""
        for event in self.events(after):
            if event.kind == "incumbent":
                yield Incumbent.model_validate(event.data | {"seq": event.seq, "at": event.at})

    def wait(self) -> ResultView:
        """Return the result when the run ends; Ended if there is none then."""
        for _ in self.events():
            pass
        status = self.status()
        if status.state is not RunState.DONE:
            raise Ended(status)
        return self.result()

    def result(self) -> ResultView:
        """Return the result; Refused (`not_yet`) while there is none."""
        return ResultView.model_validate_json(self._ask("GET", "/result").content)

    def stop(self) -> RunView:
        """End the search; the best plan is kept, checked."""
        return RunView.model_validate_json(self._ask("POST", "/stop").content)

    def cancel(self) -> RunView:
        """End it at once."""
        return RunView.model_validate_json(self._ask("POST", "/cancel").content)

    def delete(self) -> None:
        """Have it forgotten."""
        self._ask("DELETE", "")

    def re_plan(self, **options: Any) -> RemoteRun:
        """Return a run of the same instance that begins from its plan."""
        answer = self._ask("POST", "/re-plan", {"options": options})
        return self._client.run(answer.json()["id"])

    def from_patch(self, changes: Sequence[Mapping[str, Any]], **options: Any) -> RemoteRun:
        """Return a run of the instance with changes, each {pointer, value}, that begins from it."""
        body = {"changes": list(changes), "options": options}
        answer = self._ask("POST", "/from-patch", body)
        return self._client.run(answer.json()["id"])

    def export(self, what: str) -> str:
        """Return a text: `plan`, `instance`, `report`, `report.html`, `tables/index.csv`, ..."""
        return self._ask("GET", f"/{what}").text

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self._client.ask(method, f"/v1/runs/{self.id}{path}", body)


def _data(instance: Instance | Mapping[str, Any] | str) -> Any:
    if isinstance(instance, str):
        return instance
    return instance.data() if hasattr(instance, "data") else dict(instance)


def _refused(answer: httpx.Response) -> Refused:
    try:
        said = answer.json()
        return Refused(answer.status_code, said["code"], said["detail"], said.get("errors", ()))
    except (ValueError, KeyError, TypeError):
        return Refused(answer.status_code, "no_problem", f"HTTP {answer.status_code}")


def _unreachable(client: httpx.Client, error: httpx.HTTPError) -> Refused:
    return Refused(0, "unreachable", f"{client.base_url}: {error or type(error).__name__}")
