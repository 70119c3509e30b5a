"""The only door to Linux: links, routes, rules, connection tracking, sysctls, mounts, cgroups, network namespaces.

Every file wraps one kernel interface in typed, frozen values and decides nothing. Calls block for micro- to
milliseconds; asyncio code makes them through one owned thread (`thread.KernelThread`), so that they never overlap:

    links = await kernel.run(netlink.links)

Mounts and files of pods may block for ever, so each pod has its turn in a thread of its own (`thread.KeyedThreads`).

It refuses to know pods, Services or nodes: rooms above say *what* should be, as plans; this room makes it so.
"""
