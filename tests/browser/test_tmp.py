import time
from playwright.sync_api import expect
from bot.sandbox.wire import answer
from browser.conftest import PHONE

def test_dm(headless, bot, open_window):
    for number, options in enumerate(({}, {"viewport": PHONE})):
        w = open_window(**options)
        w.send("/signout " + ("ada", "grace")[number] + "@example.com")
        expect(w.button("Sign out").last).to_be_visible()
        headless.before_slack("response_url", answer(404, "used_url", "text/plain"), answer(404, "used_url", "text/plain"))
        w.button("Sign out").last.click()
        headless.wait_for(lambda: len(headless.direct_messages("U0SAM00001")) == number + 1, timeout=30)
        time.sleep(.5)
        w.page.screenshot(path=f"/tmp/shots/dm-{number}-before.png")
        if number == 1:
            w.page.get_by_role("button", name="Channels and people").click()
            time.sleep(.3)
            w.page.screenshot(path=f"/tmp/shots/dm-{number}-side.png")
        w.channel("Sign-out").click()
        time.sleep(.5)
        w.page.screenshot(path=f"/tmp/shots/dm-{number}.png")
