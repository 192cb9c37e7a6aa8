"""What a notebook needs around its experiments: a fixed seed, and the library's own source on the page."""

import ast
import inspect
import textwrap


def seed_everything(seed):
    """Seed Python's, NumPy's and TensorFlow's global generators, so that a notebook repeats.

    Call it in a notebook, once before each model that is built and trained. The library never calls it: its functions
    are handed a seed or a generator.

    Args:
        seed: int, at least 0.
    """
    import keras

    keras.utils.set_random_seed(seed)


def show_source(obj, docstring=False):
    """Display the source of a function, class or method of the library below the cell.

    The page shows it highlighted, as Markdown; the plain text beside it is stored with the notebook and compared when
    the notebook is tested, so that the page cannot show other code than the library runs.

    Args:
        obj: a function, class, method or module that Python code defines.
        docstring: bool, show the documentation too.

    Raises:
        TypeError: if ``obj`` has no Python source.
    """
    from IPython.display import display

    source = source_of(obj, docstring)
    display({"text/markdown": f"```python\n{source}\n```", "text/plain": source}, raw=True)


def source_of(obj, docstring=False):
    """The text that ``show_source`` displays: a comment that names the file, then the code.

    Args, Raises: as ``show_source``.

    Returns:
        A str.
    """
    obj = inspect.unwrap(obj) if callable(obj) else obj
    try:
        source = textwrap.dedent(inspect.getsource(obj)).rstrip()
    except (TypeError, OSError) as error:
        raise TypeError(f"`obj` must be a function, class or module with Python source. Received: {obj!r}") from error
    if not docstring:
        source = _without_docstrings(source)
    module = obj.__name__ if inspect.ismodule(obj) else obj.__module__
    return f"# {module.replace('.', '/')}.py\n{source}"


def _without_docstrings(source):
    lines = source.split("\n")
    for node in reversed([node for node in ast.walk(ast.parse(source)) if _has_docstring(node)]):
        first, last = node.body[0].lineno - 1, node.body[0].end_lineno
        if last < len(lines) and not lines[last].strip():
            last += 1
        lines[first:last] = ["\0"] * (last - first)
    return "\n".join(line for line in lines if line != "\0").strip("\n")


def _has_docstring(node):
    documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    return documented and len(node.body) > 1 and ast.get_docstring(node) is not None
