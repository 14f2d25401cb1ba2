"""Opens the pages that `sandbox pages FOLDER` wrote in a browser: what they ask for, what they say to a screen reader, what a mouse, a
keyboard, a phone, paper and a browser without JavaScript make of them.

usage: page.py FOLDER SHOTS [CHROMIUM]
"""

import shutil
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

NAMES = ["bad", "well", "empty", "hostile", "large", "newer", "first"]
DESKTOP = {"width": 1280, "height": 900}
# Pictures of the whole page; of the others the first screen.
WHOLE = ["well", "empty", "hostile", "newer", "first"]
PHONES = [320, 390]
LEAST = {"serious", "critical"}
# axe's style for its own work is refused by the page's policy, which is as it should be: messages count until axe runs.
faults = []


def check(is_so, what):
    if not is_so:
        faults.append(what)
        print("FAULT", what)


class Opened:
    """A page, with all that it asked for and complained of."""

    def __init__(self, browser, file, **options):
        self.context = browser.new_context(**{"viewport": DESKTOP, **options})
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.file = file
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self):
        return self.page

    def __exit__(self, *_):
        asked = [url for url in self.asked if url != self.file.as_uri() and not url.startswith("data:")]
        check(not asked, f"{self.file.name} asks for {asked}")
        check(not self.said, f"{self.file.name} complains: {self.said}")
        self.context.close()


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def accessible(page, name):
    for violation in Axe().run(page).response["violations"]:
        nodes = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
        line = f"{name}: axe {violation['impact']}: {violation['id']}: {violation['help']}: {nodes[:3]} of {len(nodes)}"
        check(violation["impact"] not in LEAST, line) if violation["impact"] in LEAST else print(line)


def looks(browser, folder, shots):
    """Every page by day, by night, on two phones and on paper."""
    for name in NAMES:
        file = folder / f"{name}.html"
        for scheme in ["light", "dark"]:
            opened = Opened(browser, file, color_scheme=scheme)
            with opened as page:
                check(overflow(page) <= 0, f"{name} is {overflow(page)} px too wide for a desktop")
                page.screenshot(path=shots / f"{name}-{scheme}.png", full_page=name == "bad" or (name in WHOLE and scheme == "light"))
                said = len(opened.said)
                page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
                accessible(page, f"{name} {scheme}")
                del opened.said[said:]
        for width in PHONES:
            with Opened(browser, file, viewport={"width": width, "height": 780}, device_scale_factor=2, has_touch=True) as page:
                check(overflow(page) <= 0, f"{name} is {overflow(page)} px too wide for {width} px")
                page.screenshot(path=shots / f"{name}-phone-{width}.png", full_page=name == "bad" and width == 390)
        if name == "bad":
            # Those of the README.
            with Opened(browser, file, viewport={"width": 1180, "height": 1150}) as page:
                page.screenshot(path=shots / "report-desktop.png")
            with Opened(browser, file, viewport={"width": 390, "height": 1150}, device_scale_factor=1.5) as page:
                page.screenshot(path=shots / "report-phone.png")
        # Paper stays white by night.
        with Opened(browser, file, color_scheme="dark") as page:
            page.emulate_media(media="print", color_scheme="dark")
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            check(ground == "rgb(255, 255, 255)", f"{name} is printed on {ground}")
            ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
            check(ink == "rgb(28, 33, 40)", f"{name} is printed in {ink}")
            if name in ("bad", "empty"):
                page.pdf(path=shots / f"{name}.pdf", format="A4", margin={side: "14mm" for side in ("top", "bottom", "left", "right")})


def column(page, table, place):
    return page.locator(f"[data-table={table}] tbody tr > :nth-child({place})").all_inner_texts()


def still(browser, folder):
    """Without JavaScript the page is whole, and the first rows are there; with it they are the same."""
    with Opened(browser, folder / "large.html", java_script_enabled=False) as page:
        rows = page.locator("[data-table=users] tbody tr")
        expect(rows).to_have_count(50)
        before = rows.all_inner_texts()
        check(page.locator("h1").is_visible() and page.locator("#open article").first.is_visible(), "no script, no page")
        check(page.locator(".tools").first.is_hidden(), "tools that need the script are shown without it")
        check("others need JavaScript" in page.locator("#users").inner_text(), "what needs the script is not said")
        check(page.locator("tr.service").first.is_hidden(), "services are shown before somebody asks")
        page.locator("#services").check()
        check(page.locator("tr.service").first.is_visible(), "services are not shown when somebody asks")
    with Opened(browser, folder / "large.html") as page:
        check(page.locator("[data-table=users] tbody tr").all_inner_texts() == before, "script and page word users differently")
    with Opened(browser, folder / "hostile.html", java_script_enabled=False) as page:
        before = page.locator("[data-table=users] tbody tr").all_inner_texts()
    with Opened(browser, folder / "hostile.html") as page:
        check(page.locator("[data-table=users] tbody tr").all_inner_texts() == before, "script and page word names differently")


def users(browser, folder):
    """Filter, sort and pages of five thousand users."""
    with Opened(browser, folder / "large.html") as page:
        table = page.locator("[data-table=users]")
        shown, turned = table.locator(".shown"), table.locator(".page")
        expect(shown).to_have_text("5,000 in all")
        expect(turned).to_have_text("Page 1 of 100")
        table.locator(".forth").click()
        expect(turned).to_have_text("Page 2 of 100")
        first = column(page, "users", 1)
        head = table.locator("thead th").nth(0)
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(head).to_have_attribute("aria-sort", "ascending")
        expect(turned).to_have_text("Page 1 of 100")
        names = column(page, "users", 1)
        check(names == sorted(names) and names != first, "Enter on a heading does not sort")
        page.keyboard.press("Enter")
        expect(head).to_have_attribute("aria-sort", "descending")
        check(column(page, "users", 1) == sorted(column(page, "users", 1), reverse=True), "a second Enter does not turn the order")
        table.locator("thead button", has_text="Access keys").click()
        ages = [int(text.split(", ")[1].split()[0]) for text in column(page, "users", 4) if "days" in text]
        check(ages == sorted(ages) and len(ages) > 40, f"keys are not sorted by age: {ages[:5]}")
        table.locator(".tag").select_option("nomfa")
        expect(shown).not_to_have_text("5,000 in all")
        mfa = set(column(page, "users", 2))
        passwords = set(column(page, "users", 3))
        check(mfa == {"no"} and "no password" not in passwords, f"the filter lets through {mfa} {passwords}")
        table.locator(".tag").select_option("")
        table.locator(".find").fill("team-07-0007 DEVELOPERS")
        expect(shown).to_have_text("1 of 5,000")
        expect(table.locator(".pages")).to_be_hidden()
        table.locator(".find").fill("nobody is called so")
        expect(shown).to_have_text("0 of 5,000")
        expect(table.locator("tbody tr")).to_have_count(0)


def acts(browser, folder):
    """Filter, marks and their tips."""
    with Opened(browser, folder / "bad.html") as page:
        table = page.locator("[data-table=acts]")
        count = table.locator("tbody tr").count()
        table.locator(".tag").select_option("severe")
        check(set(column(page, "acts", 2)) <= {"High", "Critical"}, "the filter by severity lets others through")
        table.locator(".tag").select_option("")
        table.locator("thead button", has_text="Severity").click()
        table.locator("thead button", has_text="Severity").click()
        check(column(page, "acts", 2)[0] == "Critical", "severities are sorted as words")
        expect(table.locator("tbody tr")).to_have_count(count)
        page.locator("#services").check()
        check("AWS service" in table.inner_text() or table.locator(".page").inner_text() != "", "services do not come")
        page.locator("#services").uncheck()
        # The first mark by the Tab key, from what stands before it.
        page.locator(".drawing").focus()
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('class')")
        check(focused.startswith("mark"), f"Tab goes to {focused}, not to a mark")
        tip = page.locator("#tip")
        expect(tip).to_be_visible()
        newest = tip.inner_text()
        check("UTC" in newest and "from" in newest, f"the tip says {newest!r}")
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        check(label == newest, "a screen reader is told something else than the tip says")
        page.keyboard.press("ArrowLeft")
        expect(tip).not_to_have_text(newest)
        page.keyboard.press("Escape")
        expect(tip).to_be_hidden()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        row = page.evaluate("document.activeElement.id")
        check(row.startswith("act-"), f"Enter on a mark goes to {row!r}")
        mark = page.locator("a.mark:not(.informational)").nth(3)
        mark.scroll_into_view_if_needed()
        mark.hover()
        expect(tip).to_be_visible()


def keyboard(browser, folder):
    with Opened(browser, folder / "bad.html") as page:
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        check(page.locator(".skip").bounding_box()["x"] >= 0, "the skip link is not seen when it has the focus")
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.locator("nav a").first.focus()
        outline = page.evaluate("(page => getComputedStyle(page).outlineStyle)(document.activeElement)")
        check(outline != "none", "the focus cannot be seen")
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(head => Number(head.tagName[1]))")
        check(levels[0] == 1 and all(after <= before + 1 for before, after in zip(levels, levels[1:])), "headings leave one out")
        check(page.locator(".command button").count() == page.locator(".command").count() > 0, "a command cannot be copied")


def hostile(browser, folder):
    with Opened(browser, folder / "hostile.html") as page:
        check("evil" not in page.title().replace("document.title='evil'", ""), "the title is evil")
        found = page.evaluate("document.querySelectorAll('img, #evil, iframe, body a[href^=javascript], body a[href*=\"evil.example\"]').length")
        check(found == 0, f"hostile text made {found} elements")
        check(page.locator("script").count() == 2, "hostile text made a script")
        check("<script>document.title='evil'</script>" in page.locator("h1").inner_text(), "hostile text is not shown as text")
        table = page.locator("[data-table=users]")
        table.locator("thead button").first.click()
        check(page.locator("#evil, img").count() == 0, "sorting made hostile text an element")


def main():
    folder, shots = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    chromium = shutil.which(sys.argv[3] if len(sys.argv) > 3 else "chromium")
    shots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for test in (still, users, acts, keyboard, hostile):
            test(browser, folder)
        looks(browser, folder, shots)
        browser.close()
    print(f"{len(NAMES)} pages, {len(faults)} faults; pictures in {shots}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
