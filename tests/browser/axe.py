"""What axe finds on a page."""


def faults(page, within: str | None = None) -> list[str]:
    """Return what axe finds on a page that is serious or critical, a line each.

    Args:
        page: of playwright.
        within: the parts of the page that it looks at, as a CSS selector.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{page.url.rsplit('/', 1)[-1]}: {each['id']}: {each['nodes'][0]['target']}: "
        f"{each['nodes'][0]['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
