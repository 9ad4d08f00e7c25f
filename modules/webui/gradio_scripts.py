"""Gradio's own page scripts, without their walks over the whole page.

At each event Gradio 6 tells every component its loading state again, and looks each of them up by walking the tree of
all components. With the few hundred of the page itself that is a moment; with the thousands of extensions, minutes.
It also copies all that the components of an event have, at each key that is typed, calls functions again that nothing
has asked for, and leaves calls without an answer that come at a bad moment. What does so is replaced, in what is
served and not in what is installed: the same answers, found by index, and only what is asked for copied and called.
The tree of the page is made known as `window.easelTree`, and Gradio's own notice of a lost connection is left out.
Where an installed Gradio has all this in another form, its scripts are served as they are.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules.webui.static_files import KEPT, StaticFolder

if TYPE_CHECKING:
    import fastapi

ASSETS = "templates/frontend/assets"


@dataclass(frozen=True)
class Replacement:
    """In the files matching `files`, what matches `pattern` becomes `by`."""

    files: str
    pattern: re.Pattern[str]
    by: str


FIND_BY_ID = Replacement(
    "core-*.js",
    re.compile(
        r"function (\w+)\(e,t\)\{if\(e\.id===t\)return e;if\(e\.children\)for\(let n of e\.children\)"
        r"\{let e=\1\(n,t\);if\(e\)return e\}return null\}"
    ),
    # The place of a component is remembered and checked at each use, for the tree changes.
    r"function \1(e,t){"
    r"let known=\1.places??=new WeakMap,"
    r"at=(place)=>{let n=e;for(let i of place??[-1]){n=n.children?.[i];if(!n)return null}return n.id===t?n:null},"
    r"found=at(known.get(e)?.get(t));if(found)return found;"
    r"let places=new Map,walk=(n,place)=>{places.has(n.id)||places.set(n.id,place);"
    r"let below=n.children;if(below)for(let i=0;i<below.length;i++)walk(below[i],[...place,i])};"
    r"walk(e,[]);known.set(e,places);return at(places.get(t))}",
)

ATTACHED_EVENTS = Replacement(
    "core-*.js",
    re.compile(
        r"(find_attached_events\(e,t\)\{let n=)t\.filter\(t=>t\.targets\.find\(\(\[t\]\)=>t===e\.id\)\)"
        r"\.map\(t=>\{let n=t\.targets\.find\(\(\[t\]\)=>t===e\.id\);return n\?n\[1\]:null\}\)\.filter\(Boolean\);"
    ),
    r"\1(()=>{let b=this.easelEvents;"
    r"if(b?.of!==t||b.many!==t.length){b=this.easelEvents={of:t,many:t.length,by:new Map};"
    r"for(let each of t){let seen=new Set;for(let[id,name]of each.targets)"
    r"if(!seen.has(id)){seen.add(id);name&&(b.by.get(id)??b.by.set(id,[]).get(id)).push(name)}}}"
    r"return[...b.by.get(e.id)??[]]})();",
)

LOADING_STATES = Replacement(
    "Blocks-*.js",
    re.compile(r"(Object\.entries\(this\.loading_stati\.current\))(\.map\(\(\[e,t\]\)=>this\.update_state_cb\()"),
    # Only what has changed since it was last told.
    r"\1.filter(([e,t])=>(this.easelTold??={})[e]!==t&&(this.easelTold[e]=t,!0))\2",
)

TREE = Replacement(
    "core-*.js",
    re.compile(r"(constructor\(e,t,n,r,i,a,o\)\{)(this\.ready=new Promise\()"),
    r"\1window.easelTree=this;\2",
)

MADE_ONCE = Replacement(
    "core-*.js",
    # Right after the tree is made Gradio makes it again of the same description, and tells every component all it has.
    re.compile(r"(reload\((\w),(\w),(\w),\w\)\{)(?=this\.#(\w)=\3,this\.#(\w)=\2;.{0,120}?this\.#(\w)=\4,)"),
    r"\1if(!this.easelMade&&(this.easelMade=!0)&&this.#\6===\2&&this.#\5===\3&&this.#\7===\4)return;",
)

TIED_ONCE = Replacement(
    "Blocks-*.js",
    # So it does with the events.
    re.compile(r"(reload\((\w),\w,\w,\w,\w\)\{)(?=let\{by_id:\w,by_event:\w\}=this\.create\(\2\))"),
    r"\1if((this.easelTies??=[]).push(\2)===2&&this.easelTies[0]===\2)return;",
)

ONE_NOTICE = Replacement(
    "Blocks-*.js",
    # The page says by itself that the connection is lost.
    re.compile(r"(\+\+\w+),\w\(\w+\)\.push\(\{title:`Connection Lost`,[^}]*\}\)"),
    r"\1",
)

COUNTED_WAITING = Replacement(
    "statustracker-*.js",
    # The page's own "Loading..." goes before it hears of its end, and counted on at each frame: a sixth of a core.
    re.compile(
        r"(performance\.now\(\)-\w\(\w+\)\)/1e3\),)(\w)&&(\w+\(\))\}\)\}(?=.{0,6000}?\{(\w)\.status===`pending`\?)",
        re.DOTALL,
    ),
    r"\1\2&&(\4.status===`pending`?\3:\2=!1)})}",
)

HIDDEN_HEADERS = Replacement(
    "Index-*.js",
    # A table takes the widths of its columns from its headers, which an extension's style may hide: all were 0 wide.
    re.compile(
        r"(sizing-body > tr > td`\)\),(\w)=.{0,350}?"
        r"let (\w)=(\w)\.getBoundingClientRect\(\)\.width)(?=;return (\w)>0\?Math\.min\(\3,\5\):\3\}\))"
    ),
    r"\1||\2[t]?.getBoundingClientRect().width||0",
)

STREAM_GOES_ON = Replacement(
    "index-*.js",
    # The server ends the stream of answers when it has given the last. A function that was called just then was never
    # answered: its call was taken before the end came, and nothing opened the stream for it again.
    re.compile(r"(\.msg===`close_stream`\)\{\w+\(\w+,(\w+)\.abort_controller\);)(?=return\})"),
    r"\1[...\2.unclosed_events].some(each=>each in \2.event_callbacks)&&\2.open_stream();",
)

KNOWN_BEFORE_ITS_ANSWERS = Replacement(
    "index-*.js",
    # Answers may come before the call's number does. Gradio forgot the call then, and took it for open ever after.
    re.compile(
        r"\}\};(\w) in (\w)&&\(\2\[\1\]\.forEach\(e=>(\w)\(e\)\),delete \2\[\1\]\),"
        r"(\w)\[\1\]=\3,(\w)\.add\(\1\),"
    ),
    r"}};\4[\1]=\3,\5.add(\1),\1 in \2&&(\2[\1].forEach("
    r"e=>{e.msg===`process_completed`&&\5.delete(\1);\3(e)}),delete \2[\1]),",
)

EVENT_ARGUMENTS = Replacement(
    "Blocks-*.js",
    # Without arguments there is nothing to set, and the state of each of an event's triggers need not be copied.
    re.compile(r"(async set_event_args\((\w),(\w)\)\{)(?=let )"),
    r"\1if(\3&&Object.keys(\3).length===0)return()=>{};",
)

# An event that comes while its function is still at work is put off until this ends. Then every function of the event
# was called once more: two that put off events of each other called each other without end, many times a second.
PUT_OFF_ALONE = tuple(
    Replacement(
        "Blocks-*.js",
        re.compile(
            r"(this\.queue\.has\((\w)\.id\)&&\(this\.queue\.delete\(\2\.id\),this\.dispatch\()(\w)(?=\)\)" + after + ")"
        ),
        r"\1{type:`fn`,fn_index:\2.id,event_data:\3.event_data??null,target_id:\3.target_id}",
    )
    for after in (";return", r"\}\}catch")
)

# Of an input of an event its value is copied, where all that the component has used to be.
VALUES_ALONE = (
    Replacement(
        "Blocks-*.js",
        re.compile(
            r"(async gather_state\((\w),(\w)=\[\]\)\{return\(await Promise\.all\(\2\.map\()"
            r"(\w)=>this\.get_state_cb\(\4\)"
        ),
        r"\1(each,place)=>this.get_state_cb(each,!\3.includes(place))",
    ),
    Replacement(
        "core-*.js",
        re.compile(r"async get_state\((\w)\)(\{let (\w)=.{10,60}?:\3\?await \3\()\)"),
        r"async get_state(\1,alone)\2alone)",
    ),
    Replacement(
        "src-*.js",
        re.compile(r"async get_data\(\)\{return (\w)\(this\.props\)\}"),
        r"async get_data(alone){return alone?{value:\1(this.props.value)}:\1(this.props)}",
    ),
)

REPLACEMENTS = (
    *(FIND_BY_ID, ATTACHED_EVENTS, LOADING_STATES, TREE, MADE_ONCE, TIED_ONCE, ONE_NOTICE, COUNTED_WAITING),
    EVENT_ARGUMENTS,
    HIDDEN_HEADERS,
    STREAM_GOES_ON,
    KNOWN_BEFORE_ITS_ANSWERS,
    *PUT_OFF_ALONE,
    *VALUES_ALONE,
)


def quickened(folder: Path) -> dict[str, bytes]:
    """The scripts of Gradio's page in `folder` that are served in another form, by their names."""
    texts: dict[str, str] = {}
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    for each in REPLACEMENTS:
        for name in fnmatch.filter(names, each.files):
            text = texts.get(name) or (folder / name).read_text(encoding="utf-8")
            new, count = each.pattern.subn(each.by, text)
            if count == 1:
                texts[name] = new
    return {name: text.encode() for name, text in texts.items()}


def assets_folder() -> Path:
    """Where the installed Gradio has the scripts and style sheets of its page."""
    import gradio

    return Path(gradio.__file__).parent / ASSETS


def add_routes(api: fastapi.FastAPI) -> None:
    """Serve all of them where Gradio would. To be called ahead of the mount of Gradio's page."""
    folder = assets_folder()
    api.mount("/assets", StaticFolder(folder, cache=KEPT, instead=quickened(folder)))
