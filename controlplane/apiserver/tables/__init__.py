"""Tables: objects as the rows that `kubectl get` prints, made by the server so that every client prints the same.

It owns the columns and cells of each kind, which are upstream's, and refuses to fetch anything: a row is made of its
object and the present moment.

```
 render_table(pods, [pod], include_object="Metadata", now=now)
   columnDefinitions  Name       Ready  Status   Restarts      Age ... IP (priority 1: only with -o wide) ...
   rows[0].cells      web-7d4-x  1/1    Running  2 (3m ago)    5h
   rows[0].object     the object's metadata, which kubectl needs for namespaces and labels
```

`render.py` makes the Table; `printers.py` knows which printer a kind has, a printer being a tuple of columns and a
function from object to cells. Neither is imported before somebody asks for a Table.
"""
