# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.aiportal.scaling.plugins.module_utils._login_page import Page, read_page

LOGIN = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>Sign in to aiportal</title></head><body>
<form id="kc-form-login" class="x" onsubmit="login.disabled = true; return true;" method="post"
 action="https://auth.example/realms/r/login-actions/authenticate?session_code=a&amp;tab_id=b">
<input id="username" name="username">{message}<br></form><p>after</p></body></html>"""
ACTION = "https://auth.example/realms/r/login-actions/authenticate?session_code=a&tab_id=b"


@pytest.mark.parametrize(
    ("html", "page"),
    [
        ("", Page()),
        ('{"error": "invalid_grant"}', Page()),
        (LOGIN.format(message=""), Page(title="Sign in to aiportal", login_action=ACTION)),
        (
            LOGIN.format(message='<span id="input-error" class="a">\n  Invalid <b>username</b> or<br> password.\n</span>'),
            Page(title="Sign in to aiportal", message="Invalid username or password.", login_action=ACTION),
        ),
        (
            LOGIN.format(
                message='<div class="pf-v5-c-alert"><span class="pf-v5-c-alert__title kc-feedback-text">Start again.</span></div>'
            ),
            Page(title="Sign in to aiportal", message="Start again.", login_action=ACTION),
        ),
        ('<form id="other" action="/x"></form>', Page()),
        ('<title>We are sorry...</title><div id="kc-error-message"><p class="instruction">No.</p></div>', Page("We are sorry...", "No.")),
        ('<meta http-equiv="refresh" content="1">', Page(reload_after=1.0)),
        ('<META HTTP-EQUIV="Refresh" CONTENT=" 0.5; URL=\'/again\' ">', Page(reload_after=0.5, reload_url="/again")),
        ('<meta http-equiv="refresh" content="2,url=/again"/>', Page(reload_after=2.0, reload_url="/again")),
        ('<meta http-equiv="refresh" content="soon">', Page()),
        ('<meta name="refresh" content="1">', Page()),
    ],
)
def test_read_page(html: str, page: Page) -> None:
    assert read_page(html) == page
