// The JavaScript client as programs use it; prints what it saw as one JSON object.
// usage: KUBECONFIG=… node check.js NAMESPACE

import {
  AppsV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy, Watch, makeInformer, setHeaderOptions,
} from '@kubernetes/client-node';

const namespace = process.argv[2];
const config = new KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(CoreV1Api);
const apps = config.makeApiClient(AppsV1Api);
const seen = {};

const name = 'from-javascript';
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { app: 'js' } }, data: { a: '1' } } });
const listed = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=js' });
seen.listed = listed.items.map((one) => one.data);

seen.missing = await core.readNamespacedSecret({ namespace, name: 'nobody' }).catch((error) => error.code);

// A watch from the list's version on sees the patch and the deletion, in this order.
const events = [];
const watched = new Promise((resolve, reject) => {
  new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: listed.metadata.resourceVersion, fieldSelector: `metadata.name=${name}` },
    (type, object) => {
      events.push([type, object.data]);
      if (type === 'DELETED') resolve();
    },
    (error) => reject(error ?? new Error('the watch ended')),
  );
});
await core.patchNamespacedConfigMap(
  { namespace, name, body: [{ op: 'add', path: '/data/b', value: '2' }] },
  setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
);
await core.deleteNamespacedConfigMap({ namespace, name });
await watched;
seen.events = events;

const informed = await new Promise((resolve, reject) => {
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/services`, () =>
    core.listNamespacedService({ namespace }));
  informer.on('add', (service) => resolve(service.spec.ports[0].targetPort));
  informer.on('error', reject);
  informer.start();
  core.createNamespacedService({ namespace, body: { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } } });
});
seen.informed = informed;

const objects = KubernetesObjectApi.makeApiClient(config);
const deployment = await objects.create({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace },
  spec: {
    replicas: 0, selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  },
});
seen.strategy = deployment.spec.strategy.type;
seen.scale = (await apps.readNamespacedDeploymentScale({ namespace, name: 'web' })).spec.replicas ?? 0;

console.log(JSON.stringify(seen));
process.exit(0);
