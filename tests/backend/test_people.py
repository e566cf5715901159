"""Coming in: links, passwords, cookies and tokens, and what each of them opens."""

from datetime import timedelta

import pytest
from edge_fixtures import Lab
from sqlalchemy import select, update

from backend.db import now
from backend.errors import TooMany
from backend.people import service as people
from backend.people.attempts import FailedLogins
from backend.people.tables import ApiToken, BrowserSession, Deed, LoginLink, User

pytest_plugins = ["edge_fixtures"]

PASSWORD = "correct horse battery"


def give_password(lab: Lab) -> None:
    settings = lab.settings.model_copy(update={"admin_password": type(lab.settings.broker_url)(PASSWORD)})
    with lab.sessions.begin() as db:
        people.ensure_administrator(db, settings)


# -- login links


def test_a_login_link_opens_the_pages(lab: Lab) -> None:
    answer = lab.client.get(lab.login_link(), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert lab.client.get("/api/v1/session").json()["user"] == {"name": "admin", "role": "admin"}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(lab: Lab) -> None:
    cookie = lab.client.get(lab.login_link(), follow_redirects=False).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_login_link_works_once(lab: Lab) -> None:
    link = lab.login_link()
    lab.client.get(link, follow_redirects=False)
    lab.client.cookies.clear()
    answer = lab.client.get(link, follow_redirects=False)
    assert answer.headers["Location"] == "/login?problem=used"
    assert "Set-Cookie" not in answer.headers


def test_who_is_in_already_may_load_the_used_link_again(lab: Lab) -> None:
    link = lab.login_link()
    lab.client.get(link, follow_redirects=False)
    assert lab.client.get(link, follow_redirects=False).headers["Location"] == "/"


def test_a_link_of_yesterday_is_expired(lab: Lab) -> None:
    link = lab.login_link()
    with lab.sessions.begin() as db:
        db.execute(update(LoginLink).values(expires_at=now() - timedelta(seconds=1)))
    assert lab.client.get(link, follow_redirects=False).headers["Location"] == "/login?problem=expired"


def test_an_invented_link_is_unknown(lab: Lab) -> None:
    answer = lab.client.get("/login?token=" + "x" * 43, follow_redirects=False)
    assert answer.headers["Location"] == "/login?problem=unknown"


def test_a_script_may_ask_for_a_login_link(lab: Lab) -> None:
    path = lab.admin.post("/api/v1/login-links").json()["path"]
    assert lab.client.get(path, follow_redirects=False).headers["Location"] == "/"


# -- sessions


def test_the_login_page_takes_a_links_token(lab: Lab) -> None:
    token = lab.login_link().partition("token=")[2]
    assert lab.client.post("/api/v1/session", json={"token": token}).status_code == 200
    assert lab.client.get("/api/v1/session").status_code == 200


def test_the_login_page_takes_an_api_token_that_may_write(lab: Lab) -> None:
    lab.client.post("/api/v1/session", json={"token": lab.token()})
    assert lab.client.get("/api/v1/session").status_code == 200


def test_a_read_token_opens_no_browser_session(lab: Lab) -> None:
    answer = lab.client.post("/api/v1/session", json={"token": lab.token(scope="read")})
    assert answer.status_code == 401
    assert "'read'" in answer.json()["detail"]


def test_logging_out_ends_the_session_everywhere(lab: Lab) -> None:
    lab.client.get(lab.login_link())
    cookies = dict(lab.client.cookies)
    lab.client.delete("/api/v1/session")
    lab.client.cookies.update(cookies)
    assert lab.client.get("/api/v1/session").status_code == 401


def test_a_session_ends_after_a_month(lab: Lab) -> None:
    lab.client.get(lab.login_link())
    with lab.sessions.begin() as db:
        db.execute(update(BrowserSession).values(expires_at=now() - timedelta(seconds=1)))
    answer = lab.client.get("/api/v1/session")
    assert (answer.status_code, answer.json()["detail"]) == (401, "This session is over: log in again.")


# -- passwords


def test_the_administrators_password_opens_a_session(lab: Lab) -> None:
    give_password(lab)
    assert lab.client.post("/api/v1/session", json={"password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("asked", [{"password": "wrong"}, {"name": "nobody", "password": PASSWORD}])
def test_a_wrong_name_and_a_wrong_password_sound_the_same(lab: Lab, asked: dict[str, str]) -> None:
    give_password(lab)
    answer = lab.client.post("/api/v1/session", json=asked)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This name and password do not fit.")


def test_without_a_password_set_no_password_is_right(lab: Lab) -> None:
    assert lab.client.post("/api/v1/session", json={"password": PASSWORD}).status_code == 401


def test_a_password_taken_out_of_the_settings_opens_nothing(lab: Lab) -> None:
    give_password(lab)
    with lab.sessions.begin() as db:
        people.ensure_administrator(db, lab.settings)
    assert lab.client.post("/api/v1/session", json={"password": PASSWORD}).status_code == 401


def test_a_password_is_kept_as_a_salted_hash(lab: Lab) -> None:
    assert PASSWORD not in people.hash_password(PASSWORD)
    assert people.hash_password(PASSWORD) != people.hash_password(PASSWORD)
    assert people.is_password(PASSWORD, people.hash_password(PASSWORD))


@pytest.mark.parametrize("asked", [{}, {"token": "x" * 20, "password": "y"}])
def test_a_login_takes_one_key(lab: Lab, asked: dict[str, str]) -> None:
    answer = lab.client.post("/api/v1/session", json=asked)
    assert answer.status_code == 422
    assert "either a token or a password" in answer.text


# -- guessing


def test_after_ten_wrong_logins_the_address_waits(lab: Lab) -> None:
    answers = [lab.client.post("/api/v1/session", json={"token": "x" * 20}).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert (
        lab.client.get("/login?token=guess", follow_redirects=False).headers["Location"].endswith("too_many")
    )


def test_waiting_a_minute_helps() -> None:
    time = [0.0]
    failed = FailedLogins(limit=1, window_s=60, clock=lambda: time[0])
    failed.note("here")
    with pytest.raises(TooMany):
        failed.check("here")
    failed.check("elsewhere")
    time[0] = 61
    failed.check("here")


# -- API tokens


def test_a_token_is_shown_once_and_kept_as_a_hash(lab: Lab) -> None:
    token = lab.admin.post("/api/v1/tokens", json={"name": "notebook"}).json()["token"]
    assert token.startswith("scl_")
    assert token not in lab.admin.get("/api/v1/tokens").text
    with lab.sessions.begin() as db:
        assert token not in {row.token_hash for row in db.scalars(select(ApiToken))}


def test_a_token_says_when_it_was_last_used(lab: Lab) -> None:
    token = lab.admin.post("/api/v1/tokens", json={"name": "notebook"}).json()
    assert token["last_used_at"] is None
    lab.as_(token["token"]).get("/api/v1/session")
    lab.app.state.token_uses.close()
    lab.client.get(lab.login_link())
    newest = lab.client.get("/api/v1/tokens").json()[0]
    assert newest["last_used_at"] is not None


def test_a_revoked_token_opens_nothing(lab: Lab) -> None:
    token = lab.admin.post("/api/v1/tokens", json={"name": "notebook"}).json()
    assert lab.admin.delete(f"/api/v1/tokens/{token['id']}").status_code == 204
    assert lab.as_(token["token"]).get("/api/v1/session").status_code == 401


def test_an_expired_token_opens_nothing_and_says_so(lab: Lab) -> None:
    token = lab.token(days=1)
    with lab.sessions.begin() as db:
        db.execute(update(ApiToken).values(expires_at=now() - timedelta(seconds=1)))
    assert "expired" in lab.as_(token).get("/api/v1/session").json()["detail"]


def test_nobody_revokes_anothers_token(lab: Lab) -> None:
    mine = lab.admin.post("/api/v1/tokens", json={"name": "mine"}).json()["id"]
    member = lab.as_(lab.token(role="member"))
    assert member.delete(f"/api/v1/tokens/{mine}").status_code == 404
    assert mine in [token["id"] for token in lab.admin.get("/api/v1/tokens").json()]


def test_the_local_command_lines_token_is_renewed_at_each_start(lab: Lab) -> None:
    with lab.sessions.begin() as db:
        user = people.ensure_administrator(db, lab.settings)
        first, second = people.renew_local_token(db, user=user), people.renew_local_token(db, user=user)
    assert lab.as_(first).get("/api/v1/session").status_code == 401
    assert lab.as_(second).get("/api/v1/session").status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer ", "Bearer scl_x", "Bearer scl_\N{SNOWMAN}"]
)
def test_a_strange_authorisation_is_a_401(lab: Lab, header: str) -> None:
    answer = lab.client.get("/api/v1/session", headers={"Authorization": header.encode()})
    assert answer.status_code == 401


def test_a_bad_token_is_not_rescued_by_a_good_cookie(lab: Lab) -> None:
    lab.client.get(lab.login_link())
    answer = lab.client.get("/api/v1/session", headers={"Authorization": "Bearer scl_wrong"})
    assert answer.status_code == 401


# -- roles and the audit trail


def test_only_an_administrator_drains_hosts(lab: Lab) -> None:
    answer = lab.as_(lab.token(role="member")).patch("/api/v1/hosts/1", json={"enabled": False})
    assert answer.status_code == 403
    assert "administrator" in answer.json()["detail"]


def test_there_is_one_administrator_however_often_we_start(lab: Lab) -> None:
    with lab.sessions.begin() as db:
        people.ensure_administrator(db, lab.settings)
        assert len(db.scalars(select(User)).all()) == 1


def test_who_logged_in_and_made_tokens_is_written_down(lab: Lab) -> None:
    lab.client.get(lab.login_link())
    lab.client.post("/api/v1/tokens", json={"name": "notebook"})
    with lab.sessions.begin() as db:
        deeds = {deed.verb: deed.detail for deed in db.scalars(select(Deed).order_by(Deed.id))}
    assert deeds["log_in"] == {"using": "link"}
    assert deeds["create_token"] == {"name": "notebook", "scope": "write"}
