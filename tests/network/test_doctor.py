"""The doctor beside a circle that runs, and with each thing of it broken in turn."""

import json
from typing import Any

import pytest

from node.cli.main import main
from tests.support.network.local_run import LocalRun


@pytest.fixture
def doctor(run: LocalRun, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs it as for a peer; gives the exit status and the findings by check."""

    def look(index: int = 0, **instead: Any) -> tuple[int, dict[str, list[dict[str, str]]]]:
        peer = run.network.peers[index]
        options: dict[str, Any] = {
            "circle": run.network.circle_file,
            "keystore": peer.folder / "key.json",
            "password-file": run.network.password_file,
            "folder": peer.folder / "data",
            **instead,
        }
        capsys.readouterr()
        status = main(["doctor", "--json", *(f"--{name}={value}" for name, value in options.items())])
        found: dict[str, list[dict[str, str]]] = {}
        for one in json.loads(capsys.readouterr().out)["findings"]:
            found.setdefault(one["check"], []).append(one)
        return status, found

    return look


def test_a_circle_is_looked_at_and_each_thing_that_is_broken_is_named(
    run: LocalRun, doctor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.start("honest", "honest", "honest", rounds=2)
    run.wait_round(2)
    status, found = doctor()
    wrong = {check: of for check, of in found.items() if any(one["level"] == "wrong" for one in of)}
    assert (status, wrong) == (0, {})
    assert found["task"][0]["level"] == "ok"
    assert "holds seat 0" in found["seat"][0]["saw"]
    assert "holds the folder" in found["lock"][0]["saw"]
    assert found["cold key"][0]["level"] == "warning", "the node's own key is its cold one here"
    assert found["members"][0]["saw"].startswith("2 of 2 members")
    assert found["reached"][0]["level"] == "ok"
    assert found["websocket"][0]["level"] == "ok"
    assert found["circle"][0]["level"] in ("ok", "warning")
    assert found["coin"][0]["level"] == "ok"
    assert found["clock"][0]["level"] == "ok"

    # The circle's task reads what each peer names, and nothing is named.
    task = run.history().manifest.task
    with monkeypatch.context() as patch:
        patch.setattr("node.tasks.built_in.OWN_DATA", frozenset({task}))
        status, found = doctor()
        assert (status, found["data"][0]["level"]) == (3, "wrong")
        assert f"the circle's task, {task}, trains on what each peer has" in found["data"][0]["saw"]
        # The task takes none, and its node would not start with any.
        status, found = doctor(data=run.network.folder)
        assert (status, found["data"][0]["level"], found["task"][0]["level"]) == (3, "ok", "wrong")

    # More rounds than the coin pays.
    status, found = doctor(rounds=10**9)
    assert (status, found["coin"][0]["level"]) == (0, "warning")

    # A key without coin and seat.
    from node.seat.keys import new_key

    poor = run.network.folder / "poor.json"
    password = run.network.password_file.read_text().strip()
    address = new_key(poor, password, 1 << 12)
    status, found = doctor(keystore=poor, folder=run.network.folder / "poor")
    assert status == (3 if found["coin"][0]["level"] == "wrong" else 0)
    assert f"{address} holds no seat yet" in found["seat"][0]["saw"]

    # Another circle's file, and a file of another chain.
    file = json.loads(run.network.circle_file.read_text())
    other = run.network.folder / "other.json"
    for name, value, check in (("code_hash", "0x" + "11" * 32, "circle"), ("chain_id", 5, "endpoint")):
        other.write_text(json.dumps({**file, name: value}))
        status, found = doctor(circle=other)
        assert (status, found[check][0]["level"]) == (3, "wrong"), name
    other.write_text(json.dumps({**file, "block": file["block"] + 1}))
    status, found = doctor(circle=other)
    assert status == 3
    assert any("no log of the circle's opening" in one["saw"] for one in found["endpoint"])

    # The endpoint is dead; then the chain is.
    status, found = doctor(rpc="http://127.0.0.1:1")
    assert (status, found["endpoint"][0]["level"]) == (3, "wrong")
    chain = run.network.chain
    assert chain is not None
    chain.kill()
    chain.wait()
    status, found = doctor()
    assert (status, found["endpoint"][0]["level"]) == (3, "wrong")
    assert "circle" not in found
