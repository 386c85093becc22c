"""Imports of programs: dropped where unused, NumPy and SymPy where used, each inside the sandbox."""

import ast
import sys
import uuid
from pathlib import Path

import pytest

from pipelines.solvers import Sandbox
from pipelines.solvers.imports import drop_unused, needed

needs_kernel = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement by the kernel is for Linux")
MARK = f"numpy-{uuid.uuid4().hex}"
NP = "import numpy as np\n"
FIND = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(timeout_s=2, memory_mb=256) as box:
        yield box


UNUSED = [
    "import numpy as np",
    "import numpy",
    "import numpy, math",
    "from numpy import array, mean",
    "import numpy.linalg as la",
    "import pandas as pd",
    "import scipy.stats",
    "from scipy.optimize import fsolve",
    "import sympy as sp",
    "from sympy import symbols, Eq, solve",
    "import matplotlib.pyplot as plt",
    "import numpy as np, pandas as pd",
    "import math\nimport numpy as np\nfrom fractions import Fraction",
    "from math import *\nimport torch",
    "import networkx",
]


@pytest.mark.parametrize("imports", UNUSED)
@pytest.mark.parametrize(
    "program",
    ["{}\nans = 3 * 5", "def solver():\n    {}\n    return 3 * 5\nans = solver()", "```python\n{}\nprint(3 * 5)\n```"],
)
def test_an_unused_import_costs_no_answer(sandbox, imports, program):
    """Whatever it is, wherever it stands."""
    if "*" in imports and "def" in program:
        pytest.skip("import * is allowed at module level only")
    text = program.format(imports.replace("\n", "\n    ") if "def" in program else imports)
    outcome = sandbox.run_program(text)
    assert ("solved", "15") == (outcome.status, outcome.answer), outcome


@pytest.mark.parametrize(
    ("source", "libraries"),
    [
        ("import numpy as np\nans = 15", ()),
        ("import numpy as np\nans = np.sum([15])", ("numpy",)),
        ("from numpy import sum as total\nans = total([15])", ("numpy",)),
        ("from numpy import *\nans = 15", ("numpy",)),
        ("import numpy as np, sympy\nans = sympy.Integer(np.sum([15]))", ("numpy", "sympy")),
        ("import numpy as np, sympy\nans = sympy.Integer(15)", ("sympy",)),
        ("import mpmath\nans = mpmath.mpf(15)", ("sympy",)),
        ("ans = 15  # no numpy here", ()),
        ("ans = 'numpy is not used'", ()),
        ("ans = __import__('numpy').sum([15])", ("numpy",)),
        ("try:\n    import numpy\nexcept ImportError:\n    pass\nans = 15", ("numpy",)),
        ("def f():\n    import sympy\n    return sympy.Integer(15)\nans = f()", ("sympy",)),
    ],
)
def test_only_what_a_program_uses_is_needed(source, libraries):
    """An unused import, a comment or a text starts no server."""
    tree = ast.parse(source)
    drop_unused(tree)
    assert libraries == needed(tree, source)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (NP + "ans = int(np.sum([4, 5, 6]))", "15"),
        (NP + "ans = np.sum([4, 5, 6])", "15"),
        (NP + "ans = np.mean([14, 16])", "15"),
        (NP + "ans = np.array([15])", "15"),
        (NP + "ans = np.array([[15.0]])", "15"),
        (NP + "ans = np.array(15)", "15"),
        (NP + "ans = np.float32(0.1)", "0.1"),
        (NP + "ans = np.float64(0.1) + np.float64(0.2)", "0.30000000000000004"),
        (NP + "ans = np.float16(1.5)", "1.5"),
        (NP + "ans = np.longdouble(15)", "15"),
        (NP + "ans = np.int64(15)", "15"),
        (NP + "ans = np.uint8(15)", "15"),
        (NP + "ans = [np.int64(15)]", "15"),
        (NP + "ans = {'pens': np.int64(15)}", "15"),
        (NP + "ans = np.str_('15 pens')", "15"),
        (NP + "ans = np.linalg.solve(np.array([[2, 1], [1, 3]]), np.array([35, 30]))[0]", "15"),
        (NP + "ans = np.roots([1, 0, -225]).max()", "15"),
        (NP + "ans = max(np.roots([1, -30, 225]).real.round(6))", "15"),
        (NP + "ans = np.arange(1, 6).cumsum()[-1]", "15"),
        (NP + "ans = np.dot([1, 2], [5, 5])", "15"),
        (NP + "ans = (np.ones((200, 200)) @ np.ones((200, 200)))[0, 0] - 185", "15"),
        (NP + "ans = np.polyfit([0, 1], [5, 20], 1)[0].round(6)", "15"),
        (NP + "ans = np.ceil(14.2)", "15"),
        (NP + "ans = np.where(np.array([3, 15]) > 5)[0][0] + 14", "15"),
        (NP + "print(np.sum([4, 5, 6]))", "15"),
        (NP + "print(np.array([15]))", "15"),
        (NP + "np.sum([4, 5, 6])", "15"),
        (NP + "def solver():\n    return np.prod([3, 5])", "15"),
        (NP + "from sympy import Rational\nans = Rational(int(np.sum([15])), 1)", "15"),
        (NP + "x = np.random.rand(3)\nans = 15 if x.shape == (3,) else 0", "15"),
        (NP + "from numpy.polynomial import Polynomial\nans = Polynomial([5, 10])(1)", "15"),
        (NP + "ans = np.median([14, 15, 20])", "15"),
        (NP + "ans = np.fft.fft([15, 0]).real[0]", "15"),
        ("from numpy import *\nans = array([15]).sum()", "15"),
        ("import numpy\nans = numpy.datetime64('2024-03-16').astype(object).day - 1", "15"),
    ],
)
def test_a_program_with_numpy_gives_its_answer(sandbox, source, answer):
    """Its scalars and arrays of one element are numbers."""
    outcome = sandbox.run_program(source)
    assert ("solved", answer) == (outcome.status, outcome.answer), outcome


@pytest.mark.parametrize(
    ("source", "kind", "answer"),
    [
        (NP + "ans = np.array([3, 5])", "numbers", "3; 5"),
        (NP + "ans = np.array([4, 6])", "ratio", "2:3"),
        (NP + "ans = np.bool_(True)", "boolean", "yes"),
        (NP + "ans = np.all([1, 0])", "boolean", "no"),
    ],
)
def test_numpy_gives_other_kinds_too(sandbox, source, kind, answer):
    """Several numbers, ratios, yes and no."""
    assert answer == sandbox.run_program(source, kind).answer


@pytest.mark.parametrize(
    ("source", "status", "detail"),
    [
        (NP + "ans = np.array([3, 5])", "non_numeric", "ndarray"),
        (NP + "ans = np.nan", "non_numeric", "nan"),
        (NP + "ans = np.inf", "non_numeric", "inf"),
        (NP + "ans = np.bool_(True)", "non_numeric", "True"),
        (NP + "ans = np.array([])", "non_numeric", "array"),
        (NP + "ans = np.complex128(1j)", "non_numeric", "1j"),
        ("import scipy.stats\nans = scipy.stats.norm.cdf(0)", "forbidden", "scipy is not available in the sandbox"),
        ("import pandas as pd\nans = pd.Series([15]).sum()", "forbidden", "pandas is not available in the sandbox"),
        ("from numpy import *\nimport pandas\nans = pandas", "forbidden", "pandas is not available in the sandbox"),
        ("import matplotlib.pyplot as plt\nplt.plot([1])\nans = 15", "forbidden", "matplotlib is not available"),
        ("ans = __import__('num' + 'py').sum([15])", "forbidden", "numpy is not available in the sandbox"),
    ],
)
def test_what_gives_no_answer_says_why(sandbox, source, status, detail):
    """Several numbers, no number, or a library that is not offered: the verdict names it."""
    outcome = sandbox.run_program(source)
    assert (status, None) == (outcome.status, outcome.answer), outcome
    assert detail in outcome.detail


HOSTILE = {
    "read a file": (NP + "ans = np.fromfile('/etc/passwd', dtype='u1').sum()", "forbidden"),
    "read a text file": (NP + "ans = np.loadtxt('/etc/passwd', dtype=str)", "forbidden"),
    "read by generator": (NP + "ans = np.genfromtxt('/proc/self/environ')", "forbidden"),
    "write a file": (NP + f"np.save('/tmp/{MARK}.npy', np.zeros(3))", "forbidden"),
    "write a text file": (NP + f"np.savetxt('/dev/shm/{MARK}', np.zeros(3))", "forbidden"),
    "write raw": (NP + f"np.zeros(3).tofile('/var/tmp/{MARK}')", "forbidden"),
    "write an archive": (NP + f"np.savez('/tmp/{MARK}.npz', np.zeros(3))", "forbidden"),
    "write beside numpy": (NP + f"open(np.__path__[0] + '/{MARK}', 'w').write('x')", "forbidden"),
    "memory map": (NP + f"np.memmap('/tmp/{MARK}', dtype='u1', mode='w+', shape=(9,))", "forbidden"),
    "memory map of a process": (NP + "ans = np.memmap('/proc/self/mem', 'u1', 'r', shape=(9,))", "forbidden"),
    "pickle": (NP + "import io, pickle, os\n"
               f"class E:\n    def __reduce__(s): return os.system, ('touch /tmp/{MARK}',)\n"
               "b = io.BytesIO()\nnp.save(b, np.array([E()], dtype=object), allow_pickle=True)\nb.seek(0)\n"
               "ans = 'ran' if np.load(b, allow_pickle=True)[0] == 0 else 'no'", "non_numeric"),
    "pickle of a file": (NP + "ans = np.load('/etc/passwd', allow_pickle=True)", "forbidden"),
    "ctypes": (NP + "import numpy.ctypeslib\nnp.ctypeslib.load_library('libc', '/etc')", "runtime_error"),
    "ctypes pointer": (NP + "import ctypes\na = np.zeros(1)\nctypes.memset(a.ctypes.data, 1, 10**12)", "runtime_error"),
    "system by ctypes": (NP + FIND + f"ans = 'ran' if libc.system(b'touch /tmp/{MARK}') == 0 else 'no'", "non_numeric"),
    "wild strides": (NP + "ans = np.lib.stride_tricks.as_strided(np.ones(1), (10**9,), (10**6,))[-1]",
                     "runtime_error"),
    "download": (NP + "ans = np.lib.npyio.DataSource('/').open('http://127.0.0.1:1/x')", "forbidden"),
    "build tools": (NP + "import numpy.testing as t, subprocess\nsubprocess.run(['cc', t.__file__])", "forbidden"),
    "process by name": (NP + "np.os.system('id')", "runtime_error"),
    "threads": (NP + "from concurrent.futures import ThreadPoolExecutor as T\nT().submit(np.sum, [1]).result()",
                "forbidden"),
    "huge zeros": (NP + "ans = np.zeros(10**12).sum()", "memory_limit"),
    "huge ones": (NP + "ans = np.ones(10**9).sum()", "memory_limit"),
    "doubling": (NP + "a = np.ones(2**20)\nwhile True: a = np.concatenate([a, a])", "memory_limit"),
    "huge text": (NP + "ans = np.array2string(np.zeros(10**12))", "memory_limit"),
    "loop in C": (NP + "a = np.ones((1500, 1500))\nwhile True: a = a @ a / 1500", "timeout"),
    "one long call": (NP + "a = np.arange(2000.0)\nans = np.einsum('i,j,k->', a, a, a)", "timeout"),
    "sorting": (NP + "a = np.random.rand(10**6)\nwhile True: np.sort(a)", "timeout"),
    "object loop": (NP + "ans = np.prod(np.arange(1, 10**7, dtype=object))", "timeout"),
    "handler of the time limit": (NP + "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0)", "forbidden"),
    "forged results": (NP + "import os\nfor n in range(64):\n    try: os.write(n, b'{}')\n    except OSError: pass",
                       "forbidden"),
    "answer that lies": (NP + "class A(np.ndarray):\n    def item(self): return 666\n    size = 3\n"
                         "ans = np.zeros(3).view(A)", "non_numeric"),
    "huge array as answer": (NP + "ans = np.broadcast_to(1, (10**9,))", "non_numeric"),
}  # fmt: skip


@needs_kernel
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_with_numpy_is_contained(sandbox, name):
    """Files, memory, time, threads, pickles and pointers: its status, no answer, and nothing is left."""
    source, status = HOSTILE[name]
    outcome = sandbox.run_program(source)
    assert (status, None) == (outcome.status, outcome.answer), outcome
    assert "15" == sandbox.run_program(NP + "ans = np.sum([4, 5, 6])").answer
    assert not any(
        path.exists() for folder in ("/tmp", "/dev/shm", "/var/tmp") for path in Path(folder).glob(f"{MARK}*")
    )


@needs_kernel
def test_a_server_with_numpy_is_confined_and_has_one_thread(sandbox):
    """It measures the same isolation as the small one, and its BLAS has started no thread."""
    sandbox.run_program(NP + "ans = np.dot([1], [1])")
    for server in sandbox._servers.values():
        assert all(server.measured[name] for name in ("files", "network", "processes"))
        assert 1 == len(list(Path(f"/proc/{server.pid}/task").iterdir()))


def test_chance_in_numpy_is_the_same_in_every_run():
    """Its own generator is seeded in the server."""
    found = set()
    for _ in range(2):
        with Sandbox() as box:
            found.add(box.run_program(NP + "ans = np.random.rand()").answer)
    assert 1 == len(found)


def test_a_program_without_libraries_starts_one_server():
    """An unused import, and a word in a comment, start no second one."""
    with Sandbox() as box:
        box.run_program("import numpy as np\nimport sympy\nans = len('x')  # numpy, sympy")
        assert 1 == len(box.pids())
