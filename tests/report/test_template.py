"""No text of a log becomes markup, and the page runs its own script alone."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from vidtrack.report.template import join_page

EVIL = '</script><script>alert(1)</script><!-- {{data}} "'


def test_nothing_a_log_says_becomes_markup_or_script() -> None:
    page = join_page(EVIL, [EVIL], [EVIL], "", {"classes": [EVIL]}, "", "")
    assert page.count("<script") == page.count("</script>") == 4
    assert "<!--" not in page
    assert "alert(1)" in page
    (title,) = re.findall(r"<title>(.*)</title>", page)
    assert title.startswith("&lt;/script&gt;")
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["classes"] == [EVIL]


def test_the_policy_lets_the_own_script_and_style_through_and_no_address() -> None:
    page = join_page("a", [], [], "", {}, "", "")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]
    for kind, pattern in (("script", r'<script type="module">(.*?)</script>'), ("style", r"<style>(.*?)</style>")):
        text = re.search(pattern, page, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1]
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
