"""Fields of the API's messages: written by controlplane.api.protobuf.generate, do not edit.

One message an entry; its fields are `number:name:type`. `[]` repeated, `{}` a map by text, `*` may be told apart from
zero, `~` left out when zero; a field without a name lends its own fields to the message around it.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "apps_v1.ControllerRevision": ("1:metadata:~meta_v1.ObjectMeta 2:data:Raw 3:revision:int"),
    "apps_v1.DaemonSet": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.DaemonSetSpec 3:status:~.DaemonSetStatus"),
    "apps_v1.DaemonSetCondition": (
        "1:type:string 2:status:string 3:lastTransitionTime:~Time 4:reason:~string 5:message:~string"
    ),
    "apps_v1.DaemonSetSpec": (
        "1:selector:*meta_v1.LabelSelector 2:template:core_v1.PodTemplateSpec "
        "3:updateStrategy:~.DaemonSetUpdateStrategy 4:minReadySeconds:~int 6:revisionHistoryLimit:*int"
    ),
    "apps_v1.DaemonSetStatus": (
        "1:currentNumberScheduled:int 2:numberMisscheduled:int 3:desiredNumberScheduled:int 4:numberReady:int "
        "5:observedGeneration:~int 6:updatedNumberScheduled:~int 7:numberAvailable:~int 8:numberUnavailable:~int "
        "9:collisionCount:*int 10:conditions:[].DaemonSetCondition"
    ),
    "apps_v1.DaemonSetUpdateStrategy": ("1:type:~string 2:rollingUpdate:*.RollingUpdateDaemonSet"),
    "apps_v1.Deployment": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.DeploymentSpec 3:status:~.DeploymentStatus"),
    "apps_v1.DeploymentCondition": (
        "1:type:string 2:status:string 6:lastUpdateTime:~Time 7:lastTransitionTime:~Time 4:reason:~string "
        "5:message:~string"
    ),
    "apps_v1.DeploymentSpec": (
        "1:replicas:*int 2:selector:*meta_v1.LabelSelector 3:template:core_v1.PodTemplateSpec "
        "4:strategy:~.DeploymentStrategy 5:minReadySeconds:~int 6:revisionHistoryLimit:*int 7:paused:~bool "
        "9:progressDeadlineSeconds:*int"
    ),
    "apps_v1.DeploymentStatus": (
        "1:observedGeneration:~int 2:replicas:~int 3:updatedReplicas:~int 7:readyReplicas:~int "
        "4:availableReplicas:~int 5:unavailableReplicas:~int 9:terminatingReplicas:*int "
        "6:conditions:[].DeploymentCondition 8:collisionCount:*int"
    ),
    "apps_v1.DeploymentStrategy": ("1:type:~string 2:rollingUpdate:*.RollingUpdateDeployment"),
    "apps_v1.ReplicaSet": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.ReplicaSetSpec 3:status:~.ReplicaSetStatus"),
    "apps_v1.ReplicaSetCondition": (
        "1:type:string 2:status:string 3:lastTransitionTime:~Time 4:reason:~string 5:message:~string"
    ),
    "apps_v1.ReplicaSetSpec": (
        "1:replicas:*int 4:minReadySeconds:~int 2:selector:*meta_v1.LabelSelector 3:template:~core_v1.PodTemplateSpec"
    ),
    "apps_v1.ReplicaSetStatus": (
        "1:replicas:int 2:fullyLabeledReplicas:~int 4:readyReplicas:~int 5:availableReplicas:~int "
        "7:terminatingReplicas:*int 3:observedGeneration:~int 6:conditions:[].ReplicaSetCondition"
    ),
    "apps_v1.RollingUpdateDaemonSet": ("1:maxUnavailable:*IntOrString 2:maxSurge:*IntOrString"),
    "apps_v1.RollingUpdateDeployment": ("1:maxUnavailable:*IntOrString 2:maxSurge:*IntOrString"),
    "apps_v1.RollingUpdateStatefulSetStrategy": ("1:partition:*int 2:maxUnavailable:*IntOrString"),
    "apps_v1.StatefulSet": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.StatefulSetSpec 3:status:~.StatefulSetStatus"),
    "apps_v1.StatefulSetCondition": (
        "1:type:string 2:status:string 3:lastTransitionTime:~Time 4:reason:~string 5:message:~string"
    ),
    "apps_v1.StatefulSetOrdinals": ("1:start:int"),
    "apps_v1.StatefulSetPersistentVolumeClaimRetentionPolicy": ("1:whenDeleted:~string 2:whenScaled:~string"),
    "apps_v1.StatefulSetSpec": (
        "1:replicas:*int 2:selector:*meta_v1.LabelSelector 3:template:core_v1.PodTemplateSpec "
        "4:volumeClaimTemplates:[]core_v1.PersistentVolumeClaim 5:serviceName:string "
        "6:podManagementPolicy:~string 7:updateStrategy:~.StatefulSetUpdateStrategy 8:revisionHistoryLimit:*int "
        "9:minReadySeconds:~int "
        "10:persistentVolumeClaimRetentionPolicy:*.StatefulSetPersistentVolumeClaimRetentionPolicy "
        "11:ordinals:*.StatefulSetOrdinals"
    ),
    "apps_v1.StatefulSetStatus": (
        "1:observedGeneration:~int 2:replicas:int 3:readyReplicas:~int 4:currentReplicas:~int "
        "5:updatedReplicas:~int 6:currentRevision:~string 7:updateRevision:~string 9:collisionCount:*int "
        "10:conditions:[].StatefulSetCondition 11:availableReplicas:int"
    ),
    "apps_v1.StatefulSetUpdateStrategy": ("1:type:~string 2:rollingUpdate:*.RollingUpdateStatefulSetStrategy"),
    "authentication_v1.AttestationValue": ("1::[]string"),
    "authentication_v1.BoundObjectReference": ("1:kind:~string 2:apiVersion:~string 3:name:~string 4:uid:~string"),
    "authentication_v1.ExtraValue": ("1::[]string"),
    "authentication_v1.SelfSubjectReview": ("1:metadata:~meta_v1.ObjectMeta 2:status:~.SelfSubjectReviewStatus"),
    "authentication_v1.SelfSubjectReviewStatus": ("1:userInfo:~.UserInfo"),
    "authentication_v1.TokenRequest": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.TokenRequestSpec 3:status:~.TokenRequestStatus"
    ),
    "authentication_v1.TokenRequestSpec": (
        "1:audiences:[]string 4:expirationSeconds:*int 3:boundObjectRef:*.BoundObjectReference "
        "5:attestations:{}.AttestationValue"
    ),
    "authentication_v1.TokenRequestStatus": ("1:token:string 2:expirationTimestamp:Time"),
    "authentication_v1.TokenReview": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.TokenReviewSpec 3:status:~.TokenReviewStatus"
    ),
    "authentication_v1.TokenReviewSpec": ("1:token:~string 2:audiences:[]string"),
    "authentication_v1.TokenReviewStatus": (
        "1:authenticated:~bool 2:user:~.UserInfo 4:audiences:[]string 3:error:~string"
    ),
    "authentication_v1.UserInfo": ("1:username:~string 2:uid:~string 3:groups:[]string 4:extra:{}.ExtraValue"),
    "authorization_v1.ExtraValue": ("1::[]string"),
    "authorization_v1.FieldSelectorAttributes": (
        "1:rawSelector:~string 2:requirements:[]meta_v1.FieldSelectorRequirement"
    ),
    "authorization_v1.LabelSelectorAttributes": (
        "1:rawSelector:~string 2:requirements:[]meta_v1.LabelSelectorRequirement"
    ),
    "authorization_v1.LocalSubjectAccessReview": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.SubjectAccessReviewSpec 3:status:~.SubjectAccessReviewStatus"
    ),
    "authorization_v1.NonResourceAttributes": ("1:path:~string 2:verb:~string"),
    "authorization_v1.NonResourceRule": ("1:verbs:[]string 2:nonResourceURLs:[]string"),
    "authorization_v1.ResourceAttributes": (
        "1:namespace:~string 2:verb:~string 3:group:~string 4:version:~string 5:resource:~string "
        "6:subresource:~string 7:name:~string 8:fieldSelector:*.FieldSelectorAttributes "
        "9:labelSelector:*.LabelSelectorAttributes"
    ),
    "authorization_v1.ResourceRule": (
        "1:verbs:[]string 2:apiGroups:[]string 3:resources:[]string 4:resourceNames:[]string"
    ),
    "authorization_v1.SelfSubjectAccessReview": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.SelfSubjectAccessReviewSpec 3:status:~.SubjectAccessReviewStatus"
    ),
    "authorization_v1.SelfSubjectAccessReviewSpec": (
        "1:resourceAttributes:*.ResourceAttributes 2:nonResourceAttributes:*.NonResourceAttributes"
    ),
    "authorization_v1.SelfSubjectRulesReview": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.SelfSubjectRulesReviewSpec 3:status:~.SubjectRulesReviewStatus"
    ),
    "authorization_v1.SelfSubjectRulesReviewSpec": ("1:namespace:~string"),
    "authorization_v1.SubjectAccessReview": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.SubjectAccessReviewSpec 3:status:~.SubjectAccessReviewStatus"
    ),
    "authorization_v1.SubjectAccessReviewSpec": (
        "1:resourceAttributes:*.ResourceAttributes 2:nonResourceAttributes:*.NonResourceAttributes 3:user:~string "
        "4:groups:[]string 5:extra:{}.ExtraValue 6:uid:~string"
    ),
    "authorization_v1.SubjectAccessReviewStatus": (
        "1:allowed:bool 4:denied:~bool 2:reason:~string 3:evaluationError:~string"
    ),
    "authorization_v1.SubjectRulesReviewStatus": (
        "1:resourceRules:[].ResourceRule 2:nonResourceRules:[].NonResourceRule 3:incomplete:bool "
        "4:evaluationError:~string"
    ),
    "autoscaling_v1.Scale": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.ScaleSpec 3:status:~.ScaleStatus"),
    "autoscaling_v1.ScaleSpec": ("1:replicas:~int"),
    "autoscaling_v1.ScaleStatus": ("1:replicas:int 2:selector:~string"),
    "certificates_v1.CertificateSigningRequest": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:.CertificateSigningRequestSpec "
        "3:status:~.CertificateSigningRequestStatus"
    ),
    "certificates_v1.CertificateSigningRequestCondition": (
        "1:type:string 6:status:string 2:reason:~string 3:message:~string 4:lastUpdateTime:~Time "
        "5:lastTransitionTime:~Time"
    ),
    "certificates_v1.CertificateSigningRequestSpec": (
        "1:request:bytes 7:signerName:string 8:expirationSeconds:*int 5:usages:[]string 2:username:~string "
        "3:uid:~string 4:groups:[]string 6:extra:{}.ExtraValue"
    ),
    "certificates_v1.CertificateSigningRequestStatus": (
        "1:conditions:[].CertificateSigningRequestCondition 2:certificate:~bytes"
    ),
    "certificates_v1.ExtraValue": ("1::[]string"),
    "coordination_v1.Lease": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.LeaseSpec"),
    "coordination_v1.LeaseSpec": (
        "1:holderIdentity:*string 2:leaseDurationSeconds:*int 3:acquireTime:*MicroTime 4:renewTime:*MicroTime "
        "5:leaseTransitions:*int 6:strategy:*string 7:preferredHolder:*string"
    ),
    "core_v1.AWSElasticBlockStoreVolumeSource": (
        "1:volumeID:string 2:fsType:~string 3:partition:~int 4:readOnly:~bool"
    ),
    "core_v1.Affinity": (
        "1:nodeAffinity:*.NodeAffinity 2:podAffinity:*.PodAffinity 3:podAntiAffinity:*.PodAntiAffinity"
    ),
    "core_v1.AppArmorProfile": ("1:type:string 2:localhostProfile:*string"),
    "core_v1.AttachedVolume": ("1:name:string 2:devicePath:string"),
    "core_v1.AzureDiskVolumeSource": (
        "1:diskName:string 2:diskURI:string 3:cachingMode:*string 4:fsType:*string 5:readOnly:*bool 6:kind:*string"
    ),
    "core_v1.AzureFilePersistentVolumeSource": (
        "1:secretName:string 2:shareName:string 3:readOnly:~bool 4:secretNamespace:*string"
    ),
    "core_v1.AzureFileVolumeSource": ("1:secretName:string 2:shareName:string 3:readOnly:~bool"),
    "core_v1.Binding": ("1:metadata:~meta_v1.ObjectMeta 2:target:.ObjectReference"),
    "core_v1.CSIPersistentVolumeSource": (
        "1:driver:string 2:volumeHandle:string 3:readOnly:~bool 4:fsType:~string 5:volumeAttributes:{}string "
        "6:controllerPublishSecretRef:*.SecretReference 7:nodeStageSecretRef:*.SecretReference "
        "8:nodePublishSecretRef:*.SecretReference 9:controllerExpandSecretRef:*.SecretReference "
        "10:nodeExpandSecretRef:*.SecretReference"
    ),
    "core_v1.CSIVolumeSource": (
        "1:driver:string 2:readOnly:*bool 3:fsType:*string 4:volumeAttributes:{}string "
        "5:nodePublishSecretRef:*.LocalObjectReference"
    ),
    "core_v1.Capabilities": ("1:add:[]string 2:drop:[]string"),
    "core_v1.CephFSPersistentVolumeSource": (
        "1:monitors:[]string 2:path:~string 3:user:~string 4:secretFile:~string 5:secretRef:*.SecretReference "
        "6:readOnly:~bool"
    ),
    "core_v1.CephFSVolumeSource": (
        "1:monitors:[]string 2:path:~string 3:user:~string 4:secretFile:~string "
        "5:secretRef:*.LocalObjectReference 6:readOnly:~bool"
    ),
    "core_v1.CinderPersistentVolumeSource": (
        "1:volumeID:string 2:fsType:~string 3:readOnly:~bool 4:secretRef:*.SecretReference"
    ),
    "core_v1.CinderVolumeSource": (
        "1:volumeID:string 2:fsType:~string 3:readOnly:~bool 4:secretRef:*.LocalObjectReference"
    ),
    "core_v1.ClientIPConfig": ("1:timeoutSeconds:*int"),
    "core_v1.ClusterTrustBundleProjection": (
        "1:name:*string 2:signerName:*string 3:labelSelector:*meta_v1.LabelSelector 5:optional:*bool "
        "4:path:string 6:user:*int"
    ),
    "core_v1.ConfigMap": ("1:metadata:~meta_v1.ObjectMeta 4:immutable:*bool 2:data:{}string 3:binaryData:{}bytes"),
    "core_v1.ConfigMapEnvSource": ("1::.LocalObjectReference 2:optional:*bool"),
    "core_v1.ConfigMapKeySelector": ("1::.LocalObjectReference 2:key:string 3:optional:*bool"),
    "core_v1.ConfigMapNodeConfigSource": (
        "1:namespace:string 2:name:string 3:uid:~string 4:resourceVersion:~string 5:kubeletConfigKey:string"
    ),
    "core_v1.ConfigMapProjection": ("1::.LocalObjectReference 2:items:[].KeyToPath 4:optional:*bool"),
    "core_v1.ConfigMapVolumeSource": (
        "1::.LocalObjectReference 2:items:[].KeyToPath 3:defaultMode:*int 4:optional:*bool 5:defaultUser:*int"
    ),
    "core_v1.Container": (
        "1:name:string 2:image:~string 3:command:[]string 4:args:[]string 5:workingDir:~string "
        "6:ports:[].ContainerPort 19:envFrom:[].EnvFromSource 7:env:[].EnvVar 8:resources:~.ResourceRequirements "
        "23:resizePolicy:[].ContainerResizePolicy 24:restartPolicy:*string "
        "25:restartPolicyRules:[].ContainerRestartRule 9:volumeMounts:[].VolumeMount "
        "21:volumeDevices:[].VolumeDevice 10:livenessProbe:*.Probe 11:readinessProbe:*.Probe "
        "22:startupProbe:*.Probe 12:lifecycle:*.Lifecycle 13:terminationMessagePath:~string "
        "20:terminationMessagePolicy:~string 14:imagePullPolicy:~string 15:securityContext:*.SecurityContext "
        "16:stdin:~bool 17:stdinOnce:~bool 18:tty:~bool"
    ),
    "core_v1.ContainerExtendedResourceRequest": ("1:containerName:string 2:resourceName:string 3:requestName:string"),
    "core_v1.ContainerImage": ("1:names:[]string 2:sizeBytes:~int"),
    "core_v1.ContainerPort": ("1:name:~string 2:hostPort:~int 3:containerPort:int 4:protocol:~string 5:hostIP:~string"),
    "core_v1.ContainerResizePolicy": ("1:resourceName:string 2:restartPolicy:string"),
    "core_v1.ContainerRestartRule": ("1:action:~string 2:exitCodes:*.ContainerRestartRuleOnExitCodes"),
    "core_v1.ContainerRestartRuleOnExitCodes": ("1:operator:~string 2:values:[]int"),
    "core_v1.ContainerState": (
        "1:waiting:*.ContainerStateWaiting 2:running:*.ContainerStateRunning 3:terminated:*.ContainerStateTerminated"
    ),
    "core_v1.ContainerStateRunning": ("1:startedAt:~Time"),
    "core_v1.ContainerStateTerminated": (
        "1:exitCode:int 2:signal:~int 3:reason:~string 4:message:~string 5:startedAt:~Time 6:finishedAt:~Time "
        "7:containerID:~string"
    ),
    "core_v1.ContainerStateWaiting": ("1:reason:~string 2:message:~string"),
    "core_v1.ContainerStatus": (
        "1:name:string 2:state:~.ContainerState 3:lastState:~.ContainerState 4:ready:bool 5:restartCount:int "
        "6:image:string 7:imageID:string 8:containerID:~string 9:started:*bool 10:allocatedResources:{}Quantity "
        "11:resources:*.ResourceRequirements 12:volumeMounts:[].VolumeMountStatus 13:user:*.ContainerUser "
        "14:allocatedResourcesStatus:[].ResourceStatus 15:stopSignal:*string"
    ),
    "core_v1.ContainerUser": ("1:linux:*.LinuxContainerUser"),
    "core_v1.DaemonEndpoint": ("1:Port:int"),
    "core_v1.DownwardAPIProjection": ("1:items:[].DownwardAPIVolumeFile"),
    "core_v1.DownwardAPIVolumeFile": (
        "1:path:string 2:fieldRef:*.ObjectFieldSelector 3:resourceFieldRef:*.ResourceFieldSelector 4:mode:*int "
        "5:user:*int"
    ),
    "core_v1.DownwardAPIVolumeSource": ("1:items:[].DownwardAPIVolumeFile 2:defaultMode:*int 3:defaultUser:*int"),
    "core_v1.EmptyDirVolumeSource": ("1:medium:~string 2:sizeLimit:*Quantity 3:mode:*int"),
    "core_v1.EndpointAddress": ("1:ip:string 3:hostname:~string 4:nodeName:*string 2:targetRef:*.ObjectReference"),
    "core_v1.EndpointPort": ("1:name:~string 2:port:int 3:protocol:~string 4:appProtocol:*string"),
    "core_v1.EndpointSubset": (
        "1:addresses:[].EndpointAddress 2:notReadyAddresses:[].EndpointAddress 3:ports:[].EndpointPort"
    ),
    "core_v1.Endpoints": ("1:metadata:~meta_v1.ObjectMeta 2:subsets:[].EndpointSubset"),
    "core_v1.EnvFromSource": ("1:prefix:~string 2:configMapRef:*.ConfigMapEnvSource 3:secretRef:*.SecretEnvSource"),
    "core_v1.EnvVar": ("1:name:string 2:value:~string 3:valueFrom:*.EnvVarSource"),
    "core_v1.EnvVarSource": (
        "1:fieldRef:*.ObjectFieldSelector 2:resourceFieldRef:*.ResourceFieldSelector "
        "3:configMapKeyRef:*.ConfigMapKeySelector 4:secretKeyRef:*.SecretKeySelector "
        "5:fileKeyRef:*.FileKeySelector"
    ),
    "core_v1.EphemeralContainer": ("1::.EphemeralContainerCommon 2:targetContainerName:~string"),
    "core_v1.EphemeralContainerCommon": (
        "1:name:string 2:image:~string 3:command:[]string 4:args:[]string 5:workingDir:~string "
        "6:ports:[].ContainerPort 19:envFrom:[].EnvFromSource 7:env:[].EnvVar 8:resources:~.ResourceRequirements "
        "23:resizePolicy:[].ContainerResizePolicy 24:restartPolicy:*string "
        "25:restartPolicyRules:[].ContainerRestartRule 9:volumeMounts:[].VolumeMount "
        "21:volumeDevices:[].VolumeDevice 10:livenessProbe:*.Probe 11:readinessProbe:*.Probe "
        "22:startupProbe:*.Probe 12:lifecycle:*.Lifecycle 13:terminationMessagePath:~string "
        "20:terminationMessagePolicy:~string 14:imagePullPolicy:~string 15:securityContext:*.SecurityContext "
        "16:stdin:~bool 17:stdinOnce:~bool 18:tty:~bool"
    ),
    "core_v1.EphemeralVolumeSource": ("1:volumeClaimTemplate:*.PersistentVolumeClaimTemplate"),
    "core_v1.Event": (
        "1:metadata:meta_v1.ObjectMeta 2:involvedObject:.ObjectReference 3:reason:~string 4:message:~string "
        "5:source:~.EventSource 6:firstTimestamp:~Time 7:lastTimestamp:~Time 8:count:~int 9:type:~string "
        "10:eventTime:~MicroTime 11:series:*.EventSeries 12:action:~string 13:related:*.ObjectReference "
        "14:reportingComponent:string 15:reportingInstance:string"
    ),
    "core_v1.EventSeries": ("1:count:~int 2:lastObservedTime:~MicroTime"),
    "core_v1.EventSource": ("1:component:~string 2:host:~string"),
    "core_v1.EvictionResponder": ("1:name:string 2:priority:*int"),
    "core_v1.ExecAction": ("1:command:[]string"),
    "core_v1.FCVolumeSource": ("1:targetWWNs:[]string 2:lun:*int 3:fsType:~string 4:readOnly:~bool 5:wwids:[]string"),
    "core_v1.FileKeySelector": ("1:volumeName:string 2:path:string 3:key:string 4:optional:*bool"),
    "core_v1.FlexPersistentVolumeSource": (
        "1:driver:string 2:fsType:~string 3:secretRef:*.SecretReference 4:readOnly:~bool 5:options:{}string"
    ),
    "core_v1.FlexVolumeSource": (
        "1:driver:string 2:fsType:~string 3:secretRef:*.LocalObjectReference 4:readOnly:~bool 5:options:{}string"
    ),
    "core_v1.FlockerVolumeSource": ("1:datasetName:~string 2:datasetUUID:~string"),
    "core_v1.GCEPersistentDiskVolumeSource": ("1:pdName:string 2:fsType:~string 3:partition:~int 4:readOnly:~bool"),
    "core_v1.GRPCAction": ("1:port:int 2:service:*string 3:mode:*string"),
    "core_v1.GitRepoVolumeSource": ("1:repository:string 2:revision:~string 3:directory:~string"),
    "core_v1.GlusterfsPersistentVolumeSource": (
        "1:endpoints:string 2:path:string 3:readOnly:~bool 4:endpointsNamespace:*string"
    ),
    "core_v1.GlusterfsVolumeSource": ("1:endpoints:string 2:path:string 3:readOnly:~bool"),
    "core_v1.HTTPGetAction": (
        "1:path:~string 2:port:IntOrString 3:host:~string 4:scheme:~string 5:httpHeaders:[].HTTPHeader "
        "6:protocol:*string"
    ),
    "core_v1.HTTPHeader": ("1:name:string 2:value:string"),
    "core_v1.HostAlias": ("1:ip:string 2:hostnames:[]string"),
    "core_v1.HostIP": ("1:ip:string"),
    "core_v1.HostPathVolumeSource": ("1:path:string 2:type:*string"),
    "core_v1.ISCSIPersistentVolumeSource": (
        "1:targetPortal:string 2:iqn:string 3:lun:int 4:iscsiInterface:~string 5:fsType:~string 6:readOnly:~bool "
        "7:portals:[]string 8:chapAuthDiscovery:~bool 11:chapAuthSession:~bool 10:secretRef:*.SecretReference "
        "12:initiatorName:*string"
    ),
    "core_v1.ISCSIVolumeSource": (
        "1:targetPortal:string 2:iqn:string 3:lun:int 4:iscsiInterface:~string 5:fsType:~string 6:readOnly:~bool "
        "7:portals:[]string 8:chapAuthDiscovery:~bool 11:chapAuthSession:~bool "
        "10:secretRef:*.LocalObjectReference 12:initiatorName:*string"
    ),
    "core_v1.ImageVolumeSource": ("1:reference:~string 2:pullPolicy:~string"),
    "core_v1.ImageVolumeStatus": ("1:imageRef:~string"),
    "core_v1.KeyToPath": ("1:key:string 2:path:string 3:mode:*int 4:user:*int"),
    "core_v1.Lifecycle": ("1:postStart:*.LifecycleHandler 2:preStop:*.LifecycleHandler 3:stopSignal:*string"),
    "core_v1.LifecycleHandler": (
        "1:exec:*.ExecAction 2:httpGet:*.HTTPGetAction 3:tcpSocket:*.TCPSocketAction 4:sleep:*.SleepAction"
    ),
    "core_v1.LimitRange": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.LimitRangeSpec"),
    "core_v1.LimitRangeItem": (
        "1:type:string 2:max:{}Quantity 3:min:{}Quantity 4:default:{}Quantity 5:defaultRequest:{}Quantity "
        "6:maxLimitRequestRatio:{}Quantity"
    ),
    "core_v1.LimitRangeSpec": ("1:limits:[].LimitRangeItem"),
    "core_v1.LinuxContainerUser": ("1:uid:int 2:gid:int 3:supplementalGroups:[]int"),
    "core_v1.LoadBalancerIngress": ("1:ip:~string 2:hostname:~string 3:ipMode:*string 4:ports:[].PortStatus"),
    "core_v1.LoadBalancerStatus": ("1:ingress:[].LoadBalancerIngress"),
    "core_v1.LocalObjectReference": ("1:name:~string"),
    "core_v1.LocalVolumeSource": ("1:path:string 2:fsType:*string"),
    "core_v1.ModifyVolumeStatus": ("1:targetVolumeAttributesClassName:~string 2:status:string"),
    "core_v1.NFSVolumeSource": ("1:server:string 2:path:string 3:readOnly:~bool"),
    "core_v1.Namespace": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.NamespaceSpec 3:status:~.NamespaceStatus"),
    "core_v1.NamespaceCondition": (
        "1:type:string 2:status:string 4:lastTransitionTime:~Time 5:reason:~string 6:message:~string"
    ),
    "core_v1.NamespaceSpec": ("1:finalizers:[]string"),
    "core_v1.NamespaceStatus": ("1:phase:~string 2:conditions:[].NamespaceCondition"),
    "core_v1.Node": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.NodeSpec 3:status:~.NodeStatus"),
    "core_v1.NodeAddress": ("1:type:string 2:address:string"),
    "core_v1.NodeAffinity": (
        "1:requiredDuringSchedulingIgnoredDuringExecution:*.NodeSelector "
        "2:preferredDuringSchedulingIgnoredDuringExecution:[].PreferredSchedulingTerm"
    ),
    "core_v1.NodeAllocatableMappedResources": ("1:name:string 2:quantity:*Quantity"),
    "core_v1.NodeAllocatableOverheadResources": ("1:name:string 2:perPod:*Quantity 3:perContainer:*Quantity"),
    "core_v1.NodeAllocatableResourceClaimStatus": (
        "1:resourceClaimName:string 2:containers:[]string 4:mapping:[].NodeAllocatableMappedResources "
        "5:overhead:[].NodeAllocatableOverheadResources"
    ),
    "core_v1.NodeCondition": (
        "1:type:string 2:status:string 3:lastHeartbeatTime:~Time 4:lastTransitionTime:~Time 5:reason:~string "
        "6:message:~string"
    ),
    "core_v1.NodeConfigSource": ("2:configMap:*.ConfigMapNodeConfigSource"),
    "core_v1.NodeConfigStatus": (
        "1:assigned:*.NodeConfigSource 2:active:*.NodeConfigSource 3:lastKnownGood:*.NodeConfigSource 4:error:~string"
    ),
    "core_v1.NodeDaemonEndpoints": ("1:kubeletEndpoint:~.DaemonEndpoint"),
    "core_v1.NodeFeatures": ("1:supplementalGroupsPolicy:*bool"),
    "core_v1.NodePodPreemptionPolicy": ("1:disableResizePreemption:[]string"),
    "core_v1.NodeRuntimeHandler": ("1:name:string 2:features:*.NodeRuntimeHandlerFeatures"),
    "core_v1.NodeRuntimeHandlerFeatures": ("1:recursiveReadOnlyMounts:*bool 2:userNamespaces:*bool"),
    "core_v1.NodeSelector": ("1:nodeSelectorTerms:[].NodeSelectorTerm"),
    "core_v1.NodeSelectorRequirement": ("1:key:string 2:operator:string 3:values:[]string"),
    "core_v1.NodeSelectorTerm": (
        "1:matchExpressions:[].NodeSelectorRequirement 2:matchFields:[].NodeSelectorRequirement"
    ),
    "core_v1.NodeSpec": (
        "1:podCIDR:~string 7:podCIDRs:[]string 3:providerID:~string 4:unschedulable:~bool 5:taints:[].Taint "
        "6:configSource:*.NodeConfigSource 2:externalID:~string 8:podPreemptionPolicy:*.NodePodPreemptionPolicy"
    ),
    "core_v1.NodeStatus": (
        "1:capacity:{}Quantity 2:allocatable:{}Quantity 3:phase:~string 4:conditions:[].NodeCondition "
        "5:addresses:[].NodeAddress 6:daemonEndpoints:~.NodeDaemonEndpoints 7:nodeInfo:~.NodeSystemInfo "
        "8:images:[].ContainerImage 9:volumesInUse:[]string 10:volumesAttached:[].AttachedVolume "
        "11:config:*.NodeConfigStatus 12:runtimeHandlers:[].NodeRuntimeHandler 13:features:*.NodeFeatures "
        "14:declaredFeatures:[]string"
    ),
    "core_v1.NodeSwapStatus": ("1:capacity:*int"),
    "core_v1.NodeSystemInfo": (
        "1:machineID:string 2:systemUUID:string 3:bootID:string 4:kernelVersion:string 5:osImage:string "
        "6:containerRuntimeVersion:string 7:kubeletVersion:string 8:kubeProxyVersion:string "
        "9:operatingSystem:string 10:architecture:string 11:swap:*.NodeSwapStatus"
    ),
    "core_v1.ObjectFieldSelector": ("1:apiVersion:~string 2:fieldPath:string"),
    "core_v1.ObjectReference": (
        "1:kind:~string 2:namespace:~string 3:name:~string 4:uid:~string 5:apiVersion:~string "
        "6:resourceVersion:~string 7:fieldPath:~string"
    ),
    "core_v1.PersistentVolume": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:~.PersistentVolumeSpec 3:status:~.PersistentVolumeStatus"
    ),
    "core_v1.PersistentVolumeClaim": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:~.PersistentVolumeClaimSpec 3:status:~.PersistentVolumeClaimStatus"
    ),
    "core_v1.PersistentVolumeClaimCondition": (
        "1:type:string 2:status:string 3:lastProbeTime:~Time 4:lastTransitionTime:~Time 5:reason:~string "
        "6:message:~string"
    ),
    "core_v1.PersistentVolumeClaimSpec": (
        "1:accessModes:[]string 4:selector:*meta_v1.LabelSelector 2:resources:~.VolumeResourceRequirements "
        "3:volumeName:~string 5:storageClassName:*string 6:volumeMode:*string "
        "7:dataSource:*.TypedLocalObjectReference 8:dataSourceRef:*.TypedObjectReference "
        "9:volumeAttributesClassName:*string"
    ),
    "core_v1.PersistentVolumeClaimStatus": (
        "1:phase:~string 2:accessModes:[]string 3:capacity:{}Quantity "
        "4:conditions:[].PersistentVolumeClaimCondition 5:allocatedResources:{}Quantity "
        "7:allocatedResourceStatuses:{}string 8:currentVolumeAttributesClassName:*string "
        "9:modifyVolumeStatus:*.ModifyVolumeStatus 10:healthStatus:*.VolumeHealthStatus"
    ),
    "core_v1.PersistentVolumeClaimTemplate": ("1:metadata:~meta_v1.ObjectMeta 2:spec:.PersistentVolumeClaimSpec"),
    "core_v1.PersistentVolumeClaimVolumeSource": ("1:claimName:string 2:readOnly:~bool"),
    "core_v1.PersistentVolumeSource": (
        "1:gcePersistentDisk:*.GCEPersistentDiskVolumeSource "
        "2:awsElasticBlockStore:*.AWSElasticBlockStoreVolumeSource 3:hostPath:*.HostPathVolumeSource "
        "4:glusterfs:*.GlusterfsPersistentVolumeSource 5:nfs:*.NFSVolumeSource 6:rbd:*.RBDPersistentVolumeSource "
        "7:iscsi:*.ISCSIPersistentVolumeSource 8:cinder:*.CinderPersistentVolumeSource "
        "9:cephfs:*.CephFSPersistentVolumeSource 10:fc:*.FCVolumeSource 11:flocker:*.FlockerVolumeSource "
        "12:flexVolume:*.FlexPersistentVolumeSource 13:azureFile:*.AzureFilePersistentVolumeSource "
        "14:vsphereVolume:*.VsphereVirtualDiskVolumeSource 15:quobyte:*.QuobyteVolumeSource "
        "16:azureDisk:*.AzureDiskVolumeSource 17:photonPersistentDisk:*.PhotonPersistentDiskVolumeSource "
        "18:portworxVolume:*.PortworxVolumeSource 19:scaleIO:*.ScaleIOPersistentVolumeSource "
        "20:local:*.LocalVolumeSource 21:storageos:*.StorageOSPersistentVolumeSource "
        "22:csi:*.CSIPersistentVolumeSource"
    ),
    "core_v1.PersistentVolumeSpec": (
        "1:capacity:{}Quantity 2::.PersistentVolumeSource 3:accessModes:[]string 4:claimRef:*.ObjectReference "
        "5:persistentVolumeReclaimPolicy:~string 6:storageClassName:~string 7:mountOptions:[]string "
        "8:volumeMode:*string 9:nodeAffinity:*.VolumeNodeAffinity 10:volumeAttributesClassName:*string"
    ),
    "core_v1.PersistentVolumeStatus": (
        "1:phase:~string 2:message:~string 3:reason:~string 4:lastPhaseTransitionTime:*Time"
    ),
    "core_v1.PhotonPersistentDiskVolumeSource": ("1:pdID:string 2:fsType:~string"),
    "core_v1.Pod": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.PodSpec 3:status:~.PodStatus"),
    "core_v1.PodAffinity": (
        "1:requiredDuringSchedulingIgnoredDuringExecution:[].PodAffinityTerm "
        "2:preferredDuringSchedulingIgnoredDuringExecution:[].WeightedPodAffinityTerm"
    ),
    "core_v1.PodAffinityTerm": (
        "1:labelSelector:*meta_v1.LabelSelector 2:namespaces:[]string 3:topologyKey:string "
        "4:namespaceSelector:*meta_v1.LabelSelector 5:matchLabelKeys:[]string 6:mismatchLabelKeys:[]string"
    ),
    "core_v1.PodAntiAffinity": (
        "1:requiredDuringSchedulingIgnoredDuringExecution:[].PodAffinityTerm "
        "2:preferredDuringSchedulingIgnoredDuringExecution:[].WeightedPodAffinityTerm"
    ),
    "core_v1.PodCertificateProjection": (
        "1:signerName:~string 2:keyType:~string 3:maxExpirationSeconds:*int 4:credentialBundlePath:~string "
        "5:keyPath:~string 6:certificateChainPath:~string 7:userAnnotations:{}string 8:user:*int"
    ),
    "core_v1.PodCondition": (
        "1:type:string 7:observedGeneration:~int 2:status:string 3:lastProbeTime:~Time 4:lastTransitionTime:~Time "
        "5:reason:~string 6:message:~string"
    ),
    "core_v1.PodDNSConfig": ("1:nameservers:[]string 2:searches:[]string 3:options:[].PodDNSConfigOption"),
    "core_v1.PodDNSConfigOption": ("1:name:~string 2:value:*string"),
    "core_v1.PodExtendedResourceClaimStatus": (
        "1:requestMappings:[].ContainerExtendedResourceRequest 2:resourceClaimName:string"
    ),
    "core_v1.PodIP": ("1:ip:string"),
    "core_v1.PodOS": ("1:name:string"),
    "core_v1.PodReadinessGate": ("1:conditionType:string"),
    "core_v1.PodResourceClaim": ("1:name:string 3:resourceClaimName:*string 4:resourceClaimTemplateName:*string"),
    "core_v1.PodResourceClaimStatus": ("1:name:string 2:resourceClaimName:*string"),
    "core_v1.PodSchedulingGate": ("1:name:string"),
    "core_v1.PodSchedulingGroup": ("1:podGroupName:*string"),
    "core_v1.PodSecurityContext": (
        "1:seLinuxOptions:*.SELinuxOptions 8:windowsOptions:*.WindowsSecurityContextOptions 2:runAsUser:*int "
        "6:runAsGroup:*int 3:runAsNonRoot:*bool 4:supplementalGroups:[]int 12:supplementalGroupsPolicy:*string "
        "5:fsGroup:*int 7:sysctls:[].Sysctl 9:fsGroupChangePolicy:*string 10:seccompProfile:*.SeccompProfile "
        "11:appArmorProfile:*.AppArmorProfile 13:seLinuxChangePolicy:*string"
    ),
    "core_v1.PodSpec": (
        "1:volumes:[].Volume 20:initContainers:[].Container 2:containers:[].Container "
        "34:ephemeralContainers:[].EphemeralContainer 3:restartPolicy:~string "
        "4:terminationGracePeriodSeconds:*int 5:activeDeadlineSeconds:*int 6:dnsPolicy:~string "
        "7:nodeSelector:{}string 8:serviceAccountName:~string 9:serviceAccount:~string "
        "21:automountServiceAccountToken:*bool 10:nodeName:~string 11:hostNetwork:~bool 12:hostPID:~bool "
        "13:hostIPC:~bool 27:shareProcessNamespace:*bool 14:securityContext:*.PodSecurityContext "
        "15:imagePullSecrets:[].LocalObjectReference 16:hostname:~string 17:subdomain:~string "
        "18:affinity:*.Affinity 19:schedulerName:~string 22:tolerations:[].Toleration 23:hostAliases:[].HostAlias "
        "24:priorityClassName:~string 25:priority:*int 26:dnsConfig:*.PodDNSConfig "
        "28:readinessGates:[].PodReadinessGate 29:runtimeClassName:*string 30:enableServiceLinks:*bool "
        "31:preemptionPolicy:*string 32:overhead:{}Quantity "
        "33:topologySpreadConstraints:[].TopologySpreadConstraint 35:setHostnameAsFQDN:*bool 36:os:*.PodOS "
        "37:hostUsers:*bool 38:schedulingGates:[].PodSchedulingGate 39:resourceClaims:[].PodResourceClaim "
        "40:resources:*.ResourceRequirements 41:hostnameOverride:*string 43:schedulingGroup:*.PodSchedulingGroup "
        "44:evictionResponders:[].EvictionResponder"
    ),
    "core_v1.PodStatus": (
        "17:observedGeneration:~int 1:phase:~string 2:conditions:[].PodCondition 3:message:~string "
        "4:reason:~string 11:nominatedNodeName:~string 5:hostIP:~string 16:hostIPs:[].HostIP 6:podIP:~string "
        "12:podIPs:[].PodIP 7:startTime:*Time 10:initContainerStatuses:[].ContainerStatus "
        "8:containerStatuses:[].ContainerStatus 9:qosClass:~string "
        "13:ephemeralContainerStatuses:[].ContainerStatus 14:resize:~string "
        "15:resourceClaimStatuses:[].PodResourceClaimStatus "
        "18:extendedResourceClaimStatus:*.PodExtendedResourceClaimStatus 19:allocatedResources:{}Quantity "
        "20:resources:*.ResourceRequirements "
        "21:nodeAllocatableResourceClaimStatuses:[].NodeAllocatableResourceClaimStatus "
        "22:volumeHealth:[].PodVolumeHealth"
    ),
    "core_v1.PodTemplate": ("1:metadata:~meta_v1.ObjectMeta 2:template:~.PodTemplateSpec"),
    "core_v1.PodTemplateSpec": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.PodSpec"),
    "core_v1.PodVolumeHealth": ("1:name:string 2:healthConditions:[].VolumeHealthCondition 3:lastTransitionTime:~Time"),
    "core_v1.PortStatus": ("1:port:int 2:protocol:string 3:error:*string"),
    "core_v1.PortworxVolumeSource": ("1:volumeID:string 2:fsType:~string 3:readOnly:~bool"),
    "core_v1.PreferredSchedulingTerm": ("1:weight:int 2:preference:.NodeSelectorTerm"),
    "core_v1.Probe": (
        "1::.ProbeHandler 2:initialDelaySeconds:~int 3:timeoutSeconds:~int 4:periodSeconds:~int "
        "5:successThreshold:~int 6:failureThreshold:~int 7:terminationGracePeriodSeconds:*int"
    ),
    "core_v1.ProbeHandler": (
        "1:exec:*.ExecAction 2:httpGet:*.HTTPGetAction 3:tcpSocket:*.TCPSocketAction 4:grpc:*.GRPCAction"
    ),
    "core_v1.ProjectedVolumeSource": ("1:sources:[].VolumeProjection 2:defaultMode:*int 3:defaultUser:*int"),
    "core_v1.QuobyteVolumeSource": (
        "1:registry:string 2:volume:string 3:readOnly:~bool 4:user:~string 5:group:~string 6:tenant:~string"
    ),
    "core_v1.RBDPersistentVolumeSource": (
        "1:monitors:[]string 2:image:string 3:fsType:~string 4:pool:~string 5:user:~string 6:keyring:~string "
        "7:secretRef:*.SecretReference 8:readOnly:~bool"
    ),
    "core_v1.RBDVolumeSource": (
        "1:monitors:[]string 2:image:string 3:fsType:~string 4:pool:~string 5:user:~string 6:keyring:~string "
        "7:secretRef:*.LocalObjectReference 8:readOnly:~bool"
    ),
    "core_v1.ReplicationController": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:~.ReplicationControllerSpec 3:status:~.ReplicationControllerStatus"
    ),
    "core_v1.ReplicationControllerCondition": (
        "1:type:string 2:status:string 3:lastTransitionTime:~Time 4:reason:~string 5:message:~string"
    ),
    "core_v1.ReplicationControllerSpec": (
        "1:replicas:*int 4:minReadySeconds:~int 2:selector:{}string 3:template:*.PodTemplateSpec"
    ),
    "core_v1.ReplicationControllerStatus": (
        "1:replicas:int 2:fullyLabeledReplicas:~int 4:readyReplicas:~int 5:availableReplicas:~int "
        "3:observedGeneration:~int 6:conditions:[].ReplicationControllerCondition"
    ),
    "core_v1.ResourceClaim": ("1:name:string 2:request:~string"),
    "core_v1.ResourceFieldSelector": ("1:containerName:~string 2:resource:string 3:divisor:~Quantity"),
    "core_v1.ResourceHealth": ("1:resourceID:string 2:health:~string 6:message:*string"),
    "core_v1.ResourceQuota": (
        "1:metadata:~meta_v1.ObjectMeta 2:spec:~.ResourceQuotaSpec 3:status:~.ResourceQuotaStatus"
    ),
    "core_v1.ResourceQuotaSpec": ("1:hard:{}Quantity 2:scopes:[]string 3:scopeSelector:*.ScopeSelector"),
    "core_v1.ResourceQuotaStatus": ("1:hard:{}Quantity 2:used:{}Quantity"),
    "core_v1.ResourceRequirements": ("1:limits:{}Quantity 2:requests:{}Quantity 3:claims:[].ResourceClaim"),
    "core_v1.ResourceStatus": ("1:name:string 2:resources:[].ResourceHealth"),
    "core_v1.SELinuxOptions": ("1:user:~string 2:role:~string 3:type:~string 4:level:~string"),
    "core_v1.ScaleIOPersistentVolumeSource": (
        "1:gateway:string 2:system:string 3:secretRef:*.SecretReference 4:sslEnabled:~bool "
        "5:protectionDomain:~string 6:storagePool:~string 7:storageMode:~string 8:volumeName:~string "
        "9:fsType:~string 10:readOnly:~bool"
    ),
    "core_v1.ScaleIOVolumeSource": (
        "1:gateway:string 2:system:string 3:secretRef:*.LocalObjectReference 4:sslEnabled:~bool "
        "5:protectionDomain:~string 6:storagePool:~string 7:storageMode:~string 8:volumeName:~string "
        "9:fsType:~string 10:readOnly:~bool"
    ),
    "core_v1.ScopeSelector": ("1:matchExpressions:[].ScopedResourceSelectorRequirement"),
    "core_v1.ScopedResourceSelectorRequirement": ("1:scopeName:string 2:operator:string 3:values:[]string"),
    "core_v1.SeccompProfile": ("1:type:string 2:localhostProfile:*string"),
    "core_v1.Secret": (
        "1:metadata:~meta_v1.ObjectMeta 5:immutable:*bool 2:data:{}bytes 4:stringData:{}string 3:type:~string"
    ),
    "core_v1.SecretEnvSource": ("1::.LocalObjectReference 2:optional:*bool"),
    "core_v1.SecretKeySelector": ("1::.LocalObjectReference 2:key:string 3:optional:*bool"),
    "core_v1.SecretProjection": ("1::.LocalObjectReference 2:items:[].KeyToPath 4:optional:*bool"),
    "core_v1.SecretReference": ("1:name:~string 2:namespace:~string"),
    "core_v1.SecretVolumeSource": (
        "1:secretName:~string 2:items:[].KeyToPath 3:defaultMode:*int 4:optional:*bool 5:defaultUser:*int"
    ),
    "core_v1.SecurityContext": (
        "1:capabilities:*.Capabilities 2:privileged:*bool 3:seLinuxOptions:*.SELinuxOptions "
        "10:windowsOptions:*.WindowsSecurityContextOptions 4:runAsUser:*int 8:runAsGroup:*int "
        "5:runAsNonRoot:*bool 6:readOnlyRootFilesystem:*bool 7:allowPrivilegeEscalation:*bool 9:procMount:*string "
        "11:seccompProfile:*.SeccompProfile 12:appArmorProfile:*.AppArmorProfile"
    ),
    "core_v1.Service": ("1:metadata:~meta_v1.ObjectMeta 2:spec:~.ServiceSpec 3:status:~.ServiceStatus"),
    "core_v1.ServiceAccount": (
        "1:metadata:~meta_v1.ObjectMeta 2:secrets:[].ObjectReference 3:imagePullSecrets:[].LocalObjectReference "
        "4:automountServiceAccountToken:*bool"
    ),
    "core_v1.ServiceAccountTokenProjection": ("1:audience:~string 2:expirationSeconds:*int 3:path:string 4:user:*int"),
    "core_v1.ServicePort": (
        "1:name:~string 2:protocol:~string 6:appProtocol:*string 3:port:int 4:targetPort:~IntOrString 5:nodePort:~int"
    ),
    "core_v1.ServiceSpec": (
        "1:ports:[].ServicePort 2:selector:{}string 3:clusterIP:~string 18:clusterIPs:[]string 4:type:~string "
        "5:externalIPs:[]string 7:sessionAffinity:~string 8:loadBalancerIP:~string "
        "9:loadBalancerSourceRanges:[]string 10:externalName:~string 11:externalTrafficPolicy:~string "
        "12:healthCheckNodePort:~int 13:publishNotReadyAddresses:~bool "
        "14:sessionAffinityConfig:*.SessionAffinityConfig 19:ipFamilies:[]string 17:ipFamilyPolicy:*string "
        "20:allocateLoadBalancerNodePorts:*bool 21:loadBalancerClass:*string 22:internalTrafficPolicy:*string "
        "23:trafficDistribution:*string"
    ),
    "core_v1.ServiceStatus": ("1:loadBalancer:~.LoadBalancerStatus 2:conditions:[]meta_v1.Condition"),
    "core_v1.SessionAffinityConfig": ("1:clientIP:*.ClientIPConfig"),
    "core_v1.SleepAction": ("1:seconds:int"),
    "core_v1.StorageOSPersistentVolumeSource": (
        "1:volumeName:~string 2:volumeNamespace:~string 3:fsType:~string 4:readOnly:~bool 5:secretRef:*.ObjectReference"
    ),
    "core_v1.StorageOSVolumeSource": (
        "1:volumeName:~string 2:volumeNamespace:~string 3:fsType:~string 4:readOnly:~bool "
        "5:secretRef:*.LocalObjectReference"
    ),
    "core_v1.Sysctl": ("1:name:string 2:value:string"),
    "core_v1.TCPSocketAction": ("1:port:IntOrString 2:host:~string"),
    "core_v1.Taint": ("1:key:string 2:value:~string 3:effect:string 4:timeAdded:*Time"),
    "core_v1.Toleration": (
        "1:key:~string 2:operator:~string 3:value:~string 4:effect:~string 5:tolerationSeconds:*int"
    ),
    "core_v1.TopologySpreadConstraint": (
        "1:maxSkew:int 2:topologyKey:string 3:whenUnsatisfiable:string 4:labelSelector:*meta_v1.LabelSelector "
        "5:minDomains:*int 6:nodeAffinityPolicy:*string 7:nodeTaintsPolicy:*string 8:matchLabelKeys:[]string"
    ),
    "core_v1.TypedLocalObjectReference": ("1:apiGroup:*string 2:kind:string 3:name:string"),
    "core_v1.TypedObjectReference": ("1:apiGroup:*string 2:kind:string 3:name:string 4:namespace:*string"),
    "core_v1.Volume": ("1:name:string 2::.VolumeSource"),
    "core_v1.VolumeDevice": ("1:name:string 2:devicePath:string"),
    "core_v1.VolumeHealthCondition": ("1:status:string 2:reason:string 3:message:~string"),
    "core_v1.VolumeHealthStatus": ("1:healthConditions:[].VolumeHealthCondition 2:lastTransitionTime:~Time"),
    "core_v1.VolumeMount": (
        "1:name:string 2:readOnly:~bool 7:recursiveReadOnly:*string 3:mountPath:string 4:subPath:~string "
        "5:mountPropagation:*string 6:subPathExpr:~string 8:bindMountOptions:[]string"
    ),
    "core_v1.VolumeMountStatus": (
        "1:name:string 2:mountPath:string 3:readOnly:~bool 4:recursiveReadOnly:*string 5:volumeStatus:*.VolumeStatus"
    ),
    "core_v1.VolumeNodeAffinity": ("1:required:*.NodeSelector"),
    "core_v1.VolumeProjection": (
        "1:secret:*.SecretProjection 2:downwardAPI:*.DownwardAPIProjection 3:configMap:*.ConfigMapProjection "
        "4:serviceAccountToken:*.ServiceAccountTokenProjection "
        "5:clusterTrustBundle:*.ClusterTrustBundleProjection 6:podCertificate:*.PodCertificateProjection"
    ),
    "core_v1.VolumeResourceRequirements": ("1:limits:{}Quantity 2:requests:{}Quantity"),
    "core_v1.VolumeSource": (
        "1:hostPath:*.HostPathVolumeSource 2:emptyDir:*.EmptyDirVolumeSource "
        "3:gcePersistentDisk:*.GCEPersistentDiskVolumeSource "
        "4:awsElasticBlockStore:*.AWSElasticBlockStoreVolumeSource 5:gitRepo:*.GitRepoVolumeSource "
        "6:secret:*.SecretVolumeSource 7:nfs:*.NFSVolumeSource 8:iscsi:*.ISCSIVolumeSource "
        "9:glusterfs:*.GlusterfsVolumeSource 10:persistentVolumeClaim:*.PersistentVolumeClaimVolumeSource "
        "11:rbd:*.RBDVolumeSource 12:flexVolume:*.FlexVolumeSource 13:cinder:*.CinderVolumeSource "
        "14:cephfs:*.CephFSVolumeSource 15:flocker:*.FlockerVolumeSource 16:downwardAPI:*.DownwardAPIVolumeSource "
        "17:fc:*.FCVolumeSource 18:azureFile:*.AzureFileVolumeSource 19:configMap:*.ConfigMapVolumeSource "
        "20:vsphereVolume:*.VsphereVirtualDiskVolumeSource 21:quobyte:*.QuobyteVolumeSource "
        "22:azureDisk:*.AzureDiskVolumeSource 23:photonPersistentDisk:*.PhotonPersistentDiskVolumeSource "
        "26:projected:*.ProjectedVolumeSource 24:portworxVolume:*.PortworxVolumeSource "
        "25:scaleIO:*.ScaleIOVolumeSource 27:storageos:*.StorageOSVolumeSource 28:csi:*.CSIVolumeSource "
        "29:ephemeral:*.EphemeralVolumeSource 30:image:*.ImageVolumeSource"
    ),
    "core_v1.VolumeStatus": ("1:image:*.ImageVolumeStatus"),
    "core_v1.VsphereVirtualDiskVolumeSource": (
        "1:volumePath:string 2:fsType:~string 3:storagePolicyName:~string 4:storagePolicyID:~string"
    ),
    "core_v1.WeightedPodAffinityTerm": ("1:weight:int 2:podAffinityTerm:.PodAffinityTerm"),
    "core_v1.WindowsSecurityContextOptions": (
        "1:gmsaCredentialSpecName:*string 2:gmsaCredentialSpec:*string 3:runAsUserName:*string 4:hostProcess:*bool"
    ),
    "discovery_v1.Endpoint": (
        "1:addresses:[]string 2:conditions:~.EndpointConditions 3:hostname:*string "
        "4:targetRef:*core_v1.ObjectReference 5:deprecatedTopology:{}string 6:nodeName:*string 7:zone:*string "
        "8:hints:*.EndpointHints"
    ),
    "discovery_v1.EndpointConditions": ("1:ready:*bool 2:serving:*bool 3:terminating:*bool"),
    "discovery_v1.EndpointHints": ("1:forZones:[].ForZone 2:forNodes:[].ForNode"),
    "discovery_v1.EndpointPort": ("1:name:*string 2:protocol:*string 3:port:*int 4:appProtocol:*string"),
    "discovery_v1.EndpointSlice": (
        "1:metadata:~meta_v1.ObjectMeta 4:addressType:string 2:endpoints:[].Endpoint 3:ports:[].EndpointPort"
    ),
    "discovery_v1.ForNode": ("1:name:string"),
    "discovery_v1.ForZone": ("1:name:string"),
    "events_v1.Event": (
        "1:metadata:meta_v1.ObjectMeta 2:eventTime:MicroTime 3:series:*.EventSeries 4:reportingController:~string "
        "5:reportingInstance:~string 6:action:~string 7:reason:~string 8:regarding:~core_v1.ObjectReference "
        "9:related:*core_v1.ObjectReference 10:note:~string 11:type:~string "
        "12:deprecatedSource:~core_v1.EventSource 13:deprecatedFirstTimestamp:~Time "
        "14:deprecatedLastTimestamp:~Time 15:deprecatedCount:~int"
    ),
    "events_v1.EventSeries": ("1:count:int 2:lastObservedTime:MicroTime"),
    "meta_v1.Condition": (
        "1:type:string 2:status:string 3:observedGeneration:~int 4:lastTransitionTime:Time 5:reason:string "
        "6:message:string"
    ),
    "meta_v1.DeleteOptions": (
        "1:gracePeriodSeconds:*int 2:preconditions:*.Preconditions 3:orphanDependents:*bool "
        "4:propagationPolicy:*string 5:dryRun:[]string 6:ignoreStoreReadErrorWithClusterBreakingPotential:*bool"
    ),
    "meta_v1.FieldSelectorRequirement": ("1:key:string 2:operator:string 3:values:[]string"),
    "meta_v1.LabelSelector": ("1:matchLabels:{}string 2:matchExpressions:[].LabelSelectorRequirement"),
    "meta_v1.LabelSelectorRequirement": ("1:key:string 2:operator:string 3:values:[]string"),
    "meta_v1.ManagedFieldsEntry": (
        "1:manager:~string 2:operation:~string 3:apiVersion:~string 4:time:*Time 6:fieldsType:~string "
        "7:fieldsV1:*FieldsV1 8:subresource:~string"
    ),
    "meta_v1.ObjectMeta": (
        "1:name:~string 2:generateName:~string 3:namespace:~string 4:selfLink:~string 5:uid:~string "
        "6:resourceVersion:~string 7:generation:~int 8:creationTimestamp:~Time 9:deletionTimestamp:*Time "
        "10:deletionGracePeriodSeconds:*int 11:labels:{}string 12:annotations:{}string "
        "13:ownerReferences:[].OwnerReference 14:finalizers:[]string 17:managedFields:[].ManagedFieldsEntry"
    ),
    "meta_v1.OwnerReference": (
        "5:apiVersion:string 1:kind:string 3:name:string 4:uid:string 6:controller:*bool 7:blockOwnerDeletion:*bool"
    ),
    "meta_v1.Preconditions": ("1:uid:*string 2:resourceVersion:*string"),
    "policy_v1.Eviction": ("1:metadata:~meta_v1.ObjectMeta 2:deleteOptions:*meta_v1.DeleteOptions"),
    "rbac_v1.AggregationRule": ("1:clusterRoleSelectors:[]meta_v1.LabelSelector"),
    "rbac_v1.ClusterRole": ("1:metadata:~meta_v1.ObjectMeta 2:rules:[].PolicyRule 3:aggregationRule:*.AggregationRule"),
    "rbac_v1.ClusterRoleBinding": ("1:metadata:~meta_v1.ObjectMeta 2:subjects:[].Subject 3:roleRef:.RoleRef"),
    "rbac_v1.PolicyRule": (
        "1:verbs:[]string 2:apiGroups:[]string 3:resources:[]string 4:resourceNames:[]string 5:nonResourceURLs:[]string"
    ),
    "rbac_v1.Role": ("1:metadata:~meta_v1.ObjectMeta 2:rules:[].PolicyRule"),
    "rbac_v1.RoleBinding": ("1:metadata:~meta_v1.ObjectMeta 2:subjects:[].Subject 3:roleRef:.RoleRef"),
    "rbac_v1.RoleRef": ("1:apiGroup:string 2:kind:string 3:name:string"),
    "rbac_v1.Subject": ("1:kind:string 2:apiGroup:~string 3:name:string 4:namespace:~string"),
}
