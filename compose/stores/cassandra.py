"""Cassandra: one node that waits for no others."""

from __future__ import annotations

import json
import signal

from . import health, jars, java
from .settings import Launch, Place, Settings

# 5.0 runs on no newer one.
JAVA = (17, 11)

# What its programs reach inside Java, as its own start script opens it.
EXPORTS = """
java.base/jdk.internal.misc java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry
java.rmi/sun.rmi.server java.sql/java.sql java.base/java.lang.ref jdk.unsupported/sun.misc jdk.attach/sun.tools.attach
""".split()
OPENS = """
java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect
java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar
jdk.management/com.sun.management.internal java.base/sun.nio.ch java.base/java.io java.base/java.lang
java.base/java.lang.reflect java.base/java.util java.base/java.nio java.rmi/sun.rmi.transport.tcp
""".split()

# periodic is its default and LOSES the last acknowledged rows at a kill -9 of a single node; the others do not,
# at several times the cost, because a write waits for the disk and holds its thread meanwhile.
SYNC: dict[str, dict[str, object]] = {
    "periodic": {"commitlog_sync": "periodic", "commitlog_sync_period": "1000ms"},
    "group": {"commitlog_sync": "group", "commitlog_sync_group_window": "5ms"},
    "batch": {"commitlog_sync": "batch"},
}

LOGBACK = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"""


class Cassandra:
    name = "cassandra"
    port = 9042
    inner_ports: tuple[str, ...] = ("storage",)
    # It writes out its tables first, and must be let.
    stop = signal.SIGTERM

    def install(self, settings: Settings) -> None:
        java.program(JAVA)
        jars.fetch(self.name, settings.downloads)

    def launch(self, place: Place) -> Launch:
        # JSON is YAML.
        config, logback = place.home / "cassandra.yaml", place.home / "logback.xml"
        config.write_text(json.dumps(options(place), indent=2) + "\n")
        logback.write_text(LOGBACK)
        (place.home / "tmp").mkdir(exist_ok=True)
        lib = jars.fetch(self.name, place.settings.downloads)
        heap_mb = place.settings.heap_mb.get(self.name, 1024)
        properties = {
            "cassandra.config": f"file://{config}",
            "cassandra.storagedir": place.home,
            "cassandra-foreground": "yes",
            "logback.configurationFile": logback,
            "java.io.tmpdir": place.home / "tmp",
            "jdk.attach.allowAttachSelf": "true",
            "io.netty.tryReflectionSetAccessible": "true",
            # One node has nobody to wait for.
            "cassandra.ring_delay_ms": 0,
            "cassandra.skip_wait_for_gossip_to_settle": 0,
        }
        flags = [
            f"-javaagent:{next(lib.glob('jamm-*.jar'))}",
            "-Xss256k",
            *java.bounds(place.settings, heap_mb),
        ]
        flags += [word for package in EXPORTS for word in ("--add-exports", f"{package}=ALL-UNNAMED")]
        flags += [word for package in OPENS for word in ("--add-opens", f"{package}=ALL-UNNAMED")]
        flags += [f"-D{key}={value}" for key, value in properties.items()]
        main = ["-cp", f"{lib}/*", "org.apache.cassandra.service.CassandraDaemon"]
        return Launch([java.program(JAVA), *flags, *main], cwd=place.home)

    def healthy(self, port: int) -> bool:
        return health.cassandra(port)

    def url(self, port: int) -> str:
        return f"cassandra://127.0.0.1:{port}"

    def wipe(self, settings: Settings) -> None:
        pass


def options(place: Place) -> dict[str, object]:
    """Memory and threads for a machine that runs other things too."""
    sync = place.settings.cassandra_sync or "periodic"
    waiting = 16 if sync == "periodic" else 256
    seeds = {"seeds": f"127.0.0.1:{place.ports['storage']}"}
    return {
        "cluster_name": "chatd",
        "num_tokens": 1,
        "auto_bootstrap": False,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch": "SimpleSnitch",
        "seed_provider": [
            {"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": [seeds]}
        ],
        "listen_address": "127.0.0.1",
        "storage_port": place.ports["storage"],
        "rpc_address": "127.0.0.1",
        "native_transport_port": place.ports["client"],
        "native_transport_max_threads": waiting,
        "data_file_directories": [str(place.home / "data")],
        **{
            f"{part}_directory": str(place.home / part)
            for part in ("commitlog", "hints", "saved_caches", "cdc_raw")
        },
        **SYNC[sync],
        "commitlog_segment_size": "16MiB",
        "commitlog_total_space": "512MiB",
        "commit_failure_policy": "stop",
        "disk_failure_policy": "stop",
        "auto_snapshot": False,
        "memtable_allocation_type": "offheap_buffers",
        "memtable_heap_space": "192MiB",
        "memtable_offheap_space": "128MiB",
        "file_cache_size": "64MiB",
        "key_cache_size": "16MiB",
        "counter_cache_size": "0MiB",
        "concurrent_reads": 8,
        "concurrent_writes": waiting,
        "concurrent_counter_writes": 2,
        "concurrent_compactors": 1,
    }
