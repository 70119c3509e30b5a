"""Volumes of CSI drivers: programs of others on this node that mount what only they know how to mount.

    CSIDriver, VolumeAttachment, Secrets ─► prepare.py ─► what a driver is to be told of one volume
    plug-in registration ─► drivers.py ─► where the drivers of this node listen; node_object.py: CSINode and Node say so
    volume.py ─► client.py ─► NodeStageVolume    once a node     plugins/kubernetes.io/csi/DRIVER/HASH/globalmount
                              NodePublishVolume  once a pod      pods/UID/volumes/kubernetes.io~csi/NAME/mount
                              NodeUnpublishVolume, NodeUnstageVolume: the same way back

What is needed for the way back is in a vol_data.json beside each mount, so it works after a restart, without the API.
Calls block, in the thread of the pod whose volume it is; each has a deadline. The room makes no attachments: where a
driver needs one (CSIDriver spec.attachRequired), the pod waits until somebody has made it.
"""
