"""How Sphinx is set: extensions, theme, and what keeps pages off the network."""

from typing import Any

from course_utils.runs.colours import light_and_dark

# In each page, in this order; `assets` has them.
SCRIPTS = ["theme.js", "predictions.js", "playgrounds.js", "scrolling.js"]
DARK_CODE = "a11y-high-contrast-dark"  # the theme's own setting, so not in `settings`
# What the theme calls the colours of the reports and the executed notebooks.
COLOURS = {
    "color-foreground-secondary": "soft",
    "color-foreground-muted": "soft",
    "color-background-primary": "paper",
    "color-background-secondary": "band",
    "color-background-border": "line",
    "color-brand-primary": "link",
    "color-brand-content": "link",
}


def settings() -> dict[str, Any]:
    """Return Sphinx's configuration."""
    light, dark = (
        {theirs: found[ours] for theirs, ours in COLOURS.items()}
        for found in light_and_dark()
    )
    return {
        "project": "Layer by Layer",
        "author": "the Layer by Layer authors",
        "html_title": "Layer by Layer",
        "language": "en",
        "extensions": [
            "myst_nb",
            "sphinx.ext.autodoc",
            "sphinx.ext.napoleon",
            "course_utils.site.mathml",
            "course_utils.site.terms",
        ],
        "html_theme": "furo",
        "html_theme_options": {
            "light_css_variables": light,
            "dark_css_variables": dark,
        },
        "html_static_path": ["static"],
        "html_extra_path": ["extra"],
        "html_css_files": ["playgrounds.css", "site.css"],
        "html_js_files": [(name, {"defer": "defer"}) for name in SCRIPTS],
        "html_math_renderer": "mathml",
        "html_show_sourcelink": False,
        "html_copy_source": False,
        "html_show_copyright": False,
        # A page opened as a file may not read another one.
        "html_show_search_summary": False,
        "default_role": "literal",
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": ["amsmath", "dollarmath"],
        "myst_dmath_double_inline": True,
        "myst_heading_anchors": 4,
        "myst_links_external_new_tab": False,
        "pygments_style": "a11y-high-contrast-light",
        "exclude_patterns": ["extra", "static"],
        "suppress_warnings": ["myst.xref_ambiguous"],
        "autodoc_typehints": "description",
        "napoleon_use_ivar": True,
    }
