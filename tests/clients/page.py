"""The chat page in headless Chromium: python page.py URL KEY FOLDER [CHROMIUM]; screenshots go to FOLDER

Asks, watches the stream, stops, retries, edits, reloads; with the keyboard where it can; light, dark and on a phone. The
server asks for a key. Fails if the page asks anything of another host or logs an error.
"""

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

url, key, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
chromium = sys.argv[4] if len(sys.argv) > 4 else "/usr/bin/chromium"
folder.mkdir(parents=True, exist_ok=True)
faults = []


def watch(page):
    host = urlsplit(url).netloc
    page.on("request", lambda r: urlsplit(r.url).netloc not in (host, "") and faults.append(f"asked {r.url}"))
    page.on("pageerror", lambda e: faults.append(f"error {e}"))
    page.on("console", lambda m: m.type == "error" and "401" not in m.text and faults.append(f"console {m.text}"))


def give_key(page):
    page.keyboard.press("Alt+s")
    expect(page.locator("#settings")).to_be_visible()
    page.get_by_label(re.compile("key", re.I)).first.fill(key)
    page.get_by_label(re.compile("most tokens|longest answer|max", re.I)).first.fill("40")
    page.screenshot(path=folder / "settings.png")
    page.keyboard.press("Escape")
    expect(page.locator("#settings")).to_be_hidden()


def ask(page, text):
    page.locator("#question").fill(text)
    page.keyboard.press("Enter")


def answered(page, count):
    expect(page.locator("article.assistant .text")).to_have_count(count)
    expect(page.locator("#send")).to_be_visible(timeout=60_000)
    text = page.locator("article.assistant .text").last.inner_text()
    assert text.strip(), "an empty answer"
    return text


def conversation(browser):
    context = browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme="light")
    page = context.new_page()
    watch(page)
    page.goto(url)
    expect(page.locator("#question")).to_be_focused()
    page.screenshot(path=folder / "welcome.png")
    ask(page, "Who is there?")  # without a key
    expect(page.locator("article.assistant .error, article.assistant .text")).not_to_have_count(0)
    page.screenshot(path=folder / "no_key.png")
    give_key(page)
    page.keyboard.press("Alt+n")
    ask(page, "Tell me a story about a fox.")
    answered(page, 1)
    expect(page.locator("#model")).to_have_text("story")
    expect(page.locator("#rate")).not_to_have_text("–")
    page.get_by_role("button", name="Retry").last.click()
    answered(page, 1)
    ask(page, "<b>And then?</b> <longcat_user>")
    answered(page, 2)
    expect(page.locator("article.user .text").last).to_have_text("<b>And then?</b> <longcat_user>")
    page.screenshot(path=folder / "light.png")
    page.reload()
    page.locator("#conversations li button").first.click()
    expect(page.locator("article.assistant")).to_have_count(2)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=folder / "dark.png")
    page.emulate_media(color_scheme="light")
    stop(page)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    state = context.storage_state()
    context.close()
    return state


def stop(page):
    page.keyboard.press("Alt+s")
    page.get_by_label(re.compile("most tokens|longest answer|max", re.I)).first.fill("1500")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+n")
    ask(page, "Tell me a very long story.")
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("article.assistant .text").last).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#send")).to_be_visible()
    assert page.locator("article.assistant .text").last.inner_text().strip()
    page.screenshot(path=folder / "stopped.png")


def phone(browser, state):
    context = browser.new_context(viewport={"width": 360, "height": 640}, device_scale_factor=2, is_mobile=True,
                                  has_touch=True, color_scheme="dark", storage_state=state)
    page = context.new_page()
    watch(page)
    page.goto(url)
    page.screenshot(path=folder / "phone_welcome.png")
    page.locator("#open-history").tap()
    expect(page.locator("#history")).to_be_in_viewport(ratio=1)
    page.screenshot(path=folder / "phone_history.png")
    page.locator("#conversations li button").last.scroll_into_view_if_needed()
    page.locator("#conversations li").nth(1).locator("button").first.tap()
    expect(page.locator("article.assistant").first).to_be_visible()
    expect(page.locator("#history")).to_be_hidden()
    page.screenshot(path=folder / "phone.png")
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    context.close()


with sync_playwright() as p:
    browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
    phone(browser, conversation(browser))
    version = browser.version
    browser.close()
assert not faults, faults
print("passed the page; Chromium", version)
