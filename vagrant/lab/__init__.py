"""The lab that needs no hypervisor: the machines of vagrant/cluster.yaml as systemd-nspawn containers on this host.

It owns everything between the host and a booted machine: file systems, network namespaces, cgroups, images, the way in.
What happens *inside* a machine is not here: those are the scripts in vagrant/provision, the same for virtual machines.

    cluster.yaml -> cluster.py      what to build
    rootfs.py, wheels.py, images/   what machines are made of, cached under .cache/
    network.py, machine.py          one namespace, overlay and cgroup per machine, state under .lab/
    provision.py                    vagrant/provision/*.sh in every machine
    access.py, sample.py            the way in, and the sample shown working
    teardown.py                     every trace removed, however far the rest came
"""
