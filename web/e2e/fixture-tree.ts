// Fixture: an invented Django shop as a calling-context tree. Deterministic; every number in it
// is made up. `fixtureTree` is believable, `largeFixtureTree` is only large.

export interface FixtureNode {
  readonly fn: number;
  weight: number;
  readonly children: FixtureNode[];
}

export interface FixtureFunction {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Kind, weight in percent and `module:qualname`, nested by indentation. */
const SHOP_WEB = `
f 100 gunicorn.workers.gthread:ThreadWorker.run
 s 99.2 concurrent.futures.thread:_worker
  f 96.8 gunicorn.workers.gthread:ThreadWorker.handle_request
   f 95.2 django.core.handlers.wsgi:WSGIHandler.__call__
    f 94.4 django.core.handlers.base:BaseHandler.get_response
     f 94.1 django.core.handlers.exception:convert_exception_to_response.<locals>.inner
      a 93.3 shop.middleware.timing:TimingMiddleware.__call__
       f 90.1 django.contrib.sessions.middleware:SessionMiddleware.__call__
        f 86.6 django.contrib.auth.middleware:AuthenticationMiddleware.__call__
         a 85.9 shop.middleware.locale:LocaleMiddleware.__call__
          f 83.7 django.core.handlers.base:BaseHandler._get_response
           a 46.9 shop.views.feed:FeedView.get
            f 45.8 rest_framework.views:APIView.dispatch
             a 44.9 shop.views.feed:FeedView.list
              f 30.3 rest_framework.serializers:ListSerializer.data
               f 29.8 rest_framework.serializers:ListSerializer.to_representation
                f 28.9 rest_framework.serializers:ModelSerializer.to_representation
                 a 12.1 shop.serializers.product:ProductSerializer.get_price
                  a 11.4 shop.pricing.rules:apply_rules
                   a 6.4 shop.pricing.rules:match_segment
                    n 4.0 ~:re.Pattern.match
                    a 1.6 shop.pricing.rules:_normalize
                   a 3.2 shop.pricing.tax:round_half_even
                    n 2.5 ~:decimal.Decimal.quantize
                 f 5.1 rest_framework.fields:DateTimeField.to_representation
                  s 2.0 datetime:datetime.isoformat
                  f 1.8 django.utils.timezone:localtime
                 f 4.0 rest_framework.relations:PrimaryKeyRelatedField.to_representation
                  f 2.9 django.db.models.fields.related_descriptors:ForwardManyToOneDescriptor.__get__
                 s 3.5 copy:deepcopy
                  s 2.7 copy:_deepcopy_dict
                   s 1.9 copy:deepcopy
              a 8.9 shop.recs.ranker:Ranker.rank
               a 5.1 shop.recs.features:build_matrix
                l 2.8 numpy.core.multiarray:concatenate
               a 2.9 shop.recs.ranker:Ranker._score
              f 4.6 django.db.models.query:QuerySet._fetch_all
               f 4.2 django.db.models.query:ModelIterable.__iter__
                f 2.9 django.db.models.sql.compiler:SQLCompiler.execute_sql
                 l 2.0 psycopg.cursor:Cursor.execute
           a 18.0 shop.views.search:SearchView.get
            a 10.0 shop.search.client:SearchClient.query
             l 7.9 elasticsearch.client:Elasticsearch.search
              l 5.6 urllib3.connectionpool:HTTPConnectionPool.urlopen
               s 3.4 http.client:HTTPConnection.getresponse
                n 2.2 ~:ssl.SSLSocket.read
              n 1.6 ~:orjson.loads
            a 6.3 shop.search.highlight:render
             l 4.5 jinja2.environment:Template.render
              n 1.8 ~:markupsafe.escape
           a 11.0 shop.views.cart:CartView.post
            a 7.1 shop.models.order:Order.recalculate
             f 3.8 django.db.models.query:QuerySet.get
              f 2.1 django.db.models.sql.compiler:SQLCompiler.as_sql
             a 2.5 shop.pricing.rules:apply_rules
            f 2.2 django.db.transaction:Atomic.__exit__
           n 1.6 ~:(other)
           f 4.5 django.urls.resolvers:URLResolver.resolve
            f 2.3 django.urls.resolvers:_route_to_regex
             s 1.4 re:compile
         f 0.7 django.contrib.auth:get_user
        f 2.6 django.contrib.sessions.backends.cache:SessionStore.load
         l 2.1 redis.client:Redis.execute_command
          l 1.5 redis.connection:Connection.read_response
    f 0.6 django.core.handlers.wsgi:WSGIRequest.__init__
   f 1.1 gunicorn.http.wsgi:Response.write
  s 2.2 threading:Condition.wait
`;

const CELERY = `
f 100 celery.concurrency.prefork:process_destructor
 f 98 celery.app.trace:build_tracer.<locals>.trace_task
  a 61 shop.tasks.mail:send_digest
   l 33 jinja2.environment:Template.render
   s 21 email.mime.text:MIMEText.__init__
  a 30 shop.tasks.stock:recount
   f 24 django.db.models.query:QuerySet.update
 f 1 kombu.connection:Connection.drain_events
`;

const FILLERS: Readonly<Record<string, readonly string[]>> = {
  a: [
    "shop.util.money:fmt",
    "shop.util.cachekeys:make",
    "shop.models.product:Product.is_visible",
    "shop.i18n.messages:gettext",
    "shop.flags:enabled",
  ],
  f: [
    "django.utils.functional:cached_property.__get__",
    "django.db.models.fields:Field.get_prep_value",
    "django.utils.encoding:force_str",
    "rest_framework.fields:get_attribute",
    "django.db.models.base:Model.__init__",
    "django.template.base:Variable.resolve",
  ],
  l: [
    "urllib3.util.retry:Retry.increment",
    "redis.connection:Connection.pack_command",
    "elasticsearch.transport:Transport.perform_request",
    "jinja2.environment:Environment.getattr",
  ],
  s: [
    "copy:_reconstruct",
    "functools:wraps",
    "json.encoder:JSONEncoder.iterencode",
    "collections:OrderedDict.__getitem__",
    "logging:Logger.isEnabledFor",
    "typing:inner",
  ],
  n: ["~:memcpy", "~:dict_lookup", "~:PyObject_Call", "~:_PyEval_Vector"],
};
const CALLS: Readonly<Record<string, string>> = { a: "aafss", f: "ffssl", l: "llss", s: "ssn" };
const DEEPEST = 36;
const SMALLEST = 0.1;

/** Small seeded generator (mulberry32), so that every run draws the same tree. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export class FixtureFunctions {
  readonly list: FixtureFunction[] = [];
  readonly #ids = new Map<string, number>();

  id(kind: string, qualified: string): number {
    const known = this.#ids.get(qualified);
    if (known !== undefined) return known;
    const [module, name] = qualified.split(":");
    const path = module.replaceAll(".", "/");
    const file =
      kind === "a"
        ? `/srv/shop/${path}.py`
        : kind === "n" || module === "~"
          ? ""
          : kind === "s"
            ? `/usr/local/lib/python3.12/${path}.py`
            : `/usr/local/lib/python3.12/site-packages/${path}.py`;
    const line = file === "" ? 0 : 12 + ((qualified.length * 37) % 600);
    this.#ids.set(qualified, this.list.length);
    return this.list.push({ name, file, line }) - 1;
  }
}

export function fixtureTree(functions: FixtureFunctions, service: string): FixtureNode {
  const random = seeded(service.length * 7 + 3);
  const root: FixtureNode = { fn: functions.id("n", "~:all"), weight: 100, children: [] };
  const path: { node: FixtureNode; kind: string }[] = [{ node: root, kind: "r" }];
  for (const line of (service === "celery" ? CELERY : SHOP_WEB).split("\n")) {
    const parsed = /^( *)(\w) ([\d.]+) (\S+)$/.exec(line);
    if (!parsed) continue;
    const [, indent, kind, weight, name] = parsed;
    path.length = indent.length + 1;
    const node: FixtureNode = {
      fn: functions.id(kind, name),
      weight: Number(weight),
      children: [],
    };
    path[path.length - 1].node.children.push(node);
    path.push({ node, kind });
  }
  grow(root, 0, false);
  return root;

  function grow(node: FixtureNode, depth: number, invented: boolean): void {
    for (const child of node.children) grow(child, depth + 1, false);
    const kind = kindOf(functions.list[node.fn]);
    const used = node.children.reduce((sum, child) => sum + child.weight, 0);
    let free = node.weight - used - node.weight * 0.04 * random();
    if (depth === 0 || !CALLS[kind]) return;
    for (let n = used > 0 ? 2 : 4; n > 0 && free > SMALLEST && depth < DEEPEST; n--) {
      const calls = CALLS[kind];
      const called = calls[Math.floor(random() * calls.length)];
      const names = FILLERS[called];
      const fn = functions.id(called, names[Math.floor(random() * names.length)]);
      const weight = free * (0.25 + 0.55 * random());
      free -= weight;
      if (node.children.some((child) => child.fn === fn)) continue;
      const child: FixtureNode = { fn, weight, children: [] };
      node.children.push(child);
      grow(child, depth + 1, true);
      if (invented && random() < 0.25) break;
    }
  }
}

function kindOf({ name, file }: FixtureFunction): string {
  if (file === "") return "n";
  if (file.startsWith("/srv/")) return "a";
  if (name === "Condition.wait") return "w";
  if (!file.includes("site-packages")) return "s";
  return /\/(django|rest_framework|gunicorn|celery|kombu)\//.test(file) ? "f" : "l";
}

/** About `size` nodes under few functions, deep and uneven, for measuring. */
export function largeFixtureTree(functions: FixtureFunctions, size: number): FixtureNode {
  const random = seeded(size);
  const kinds = "aaffls";
  const pool = Array.from({ length: 4000 }, (_, i) => {
    const kind = kinds[i % kinds.length];
    return functions.id(
      kind,
      `${kind === "a" ? "shop" : "lib"}.m${i % 211}.part${i % 17}:Class${i % 401}.method_${i}`,
    );
  });
  const root: FixtureNode = { fn: functions.id("n", "~:all"), weight: 100, children: [] };
  const open: { node: FixtureNode; depth: number }[] = [{ node: root, depth: 0 }];
  let made = 1;
  while (made < size && open.length > 0) {
    const at = Math.floor(random() ** 2 * open.length);
    const { node, depth } = open[at];
    open[at] = open[open.length - 1];
    open.pop();
    let free = node.weight;
    const count = depth < 4 ? 6 : 1 + Math.floor(random() * 4);
    for (let i = 0; i < count && made < size; i++) {
      const weight = free * (0.3 + 0.5 * random());
      free -= weight;
      const child: FixtureNode = {
        fn: pool[Math.floor(random() * pool.length)],
        weight,
        children: [],
      };
      node.children.push(child);
      made++;
      if (depth < 60) open.push({ node: child, depth: depth + 1 });
    }
  }
  return root;
}
