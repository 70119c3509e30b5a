"""The only door to Linux: links, routes, rules, connection tracking, sysctls, mounts, cgroups, network namespaces.

Every file wraps one kernel interface in typed, frozen values and decides nothing. Calls block for micro- to
milliseconds; asyncio code makes them through one owned thread (`thread.KernelThread`), so that they never overlap:

    links = await kernel.run(netlink.links)

It refuses to know pods, Services or nodes: rooms above say *what* should be, as plans; this room makes it so.
"""
