"""The content security policy in a real browser: the page's own scripts run, a script that somebody got in does not."""

import httpx
import pytest

pytestmark = pytest.mark.browser

SMUGGLED = """() => {
  window.violated = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violated.push(event.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.smuggled = 1";
  document.body.append(script);
  const frame = document.createElement("div");
  frame.innerHTML = '<img src="data:," onerror="window.smuggled = 2"><b onclick="window.smuggled = 3">b</b>';
  document.body.append(frame);
  frame.querySelector("b").click();
  const link = document.createElement("a");
  link.href = "javascript:window.smuggled = 4";
  document.body.append(link);
  link.click();
}"""


@pytest.mark.core
def test_the_page_runs_and_what_was_smuggled_in_does_not(browser, app_url):
    """Every other browser test fails for a violation, as browsers tell it as an error on the console."""
    context = browser.new_context(base_url=app_url)
    try:
        page = context.new_page()
        page.goto("/?tab=attention")
        page.locator("#tab-attention").wait_for(state="visible")
        assert page.evaluate("window.violated") is None
        page.evaluate(SMUGGLED)
        page.wait_for_function("window.violated.length >= 3")
        assert set(page.evaluate("window.violated")) <= {"script-src-elem", "script-src-attr"}
        assert page.evaluate("window.smuggled") is None
    finally:
        context.close()


@pytest.mark.core
@pytest.mark.parametrize("path", ["/", "/healthz", "/gradio_api/info", "/gradio_api/nothing"])
def test_no_answer_allows_scripts_by_their_place(app_url, path):
    policy = httpx.get(app_url + path).headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe-inline" not in scripts
    assert ("sha256-" in scripts) == (path == "/")
