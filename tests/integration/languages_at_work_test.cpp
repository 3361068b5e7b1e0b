// Programs in the languages of this host do a day's work in a box: threads, child processes, the
// loopback, shared memory and timers, each in the way of its language. What the isolation refuses,
// no ordinary program may miss.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/engine_process.h"

namespace {

// Says "hello world" as its only line when all went well.
struct Sample {
    std::string language, file, text;
};

// clang-format off
const Sample samples[] = {
{"python", "a.py", R"~(import multiprocessing, signal, socket, subprocess, threading
from multiprocessing.shared_memory import SharedMemory
server = socket.create_server(("127.0.0.1", 0))
thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"))
thread.start()
assert socket.create_connection(server.getsockname()).recv(5) == b"hello"
thread.join()
assert subprocess.run(["echo", "hi"], capture_output=True).stdout == b"hi\n"
with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
memory = SharedMemory(create=True, size=16)
memory.close(); memory.unlink()
signal.signal(signal.SIGALRM, lambda *_: (print("hello world", flush=True), exit(0)))
signal.setitimer(signal.ITIMER_REAL, 0.01)
while True: signal.pause()
)~"},

{"c", "a.c", R"~(#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#define MUST(x) do if (!(x)) { perror(#x); exit(1); } while (0)
static void* post(void* semaphore) { sem_post(semaphore); return 0; }
int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    char text[8];
    int self = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    MUST(!bind(self, (void*)&at, size) && !getsockname(self, (void*)&at, &size));
    MUST(sendto(self, "hello", 5, 0, (void*)&at, size) == 5 && read(self, text, 5) == 5);
    sem_t* shared = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;
    MUST(!sem_init(shared, 1, 0) && !pthread_create(&thread, 0, post, shared) && !pthread_join(thread, 0));
    if (fork() == 0) return sem_post(shared);
    MUST(!sem_wait(shared) && !sem_wait(shared) && wait(0) > 0 && pclose(popen("exit 3", "r")) == 3 << 8);
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    MUST(!timerfd_settime(timer, 0, &soon, 0) && read(timer, text, 8) == 8);
    return puts("hello world") < 0;
}
)~"},

{"c++", "a.cpp", R"~(#include <arpa/inet.h>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <iostream>
#include <memory>
#include <semaphore>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
void must(bool well, const char* what) { if (!well) { perror(what); std::exit(1); } }
int main() {
    sockaddr_in at{}; socklen_t size = sizeof at;
    at.sin_family = AF_INET; at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    must(!bind(server, (sockaddr*)&at, size) && !listen(server, 1) && !getsockname(server, (sockaddr*)&at, &size), "listen");
    std::thread peer([&] { int one = accept(server, nullptr, nullptr); must(write(one, "hello", 5) == 5, "write"); close(one); });
    int client = socket(AF_INET, SOCK_STREAM, 0);
    char text[8];
    must(!connect(client, (sockaddr*)&at, size) && recv(client, text, 5, MSG_WAITALL) == 5, "connect");
    peer.join();
    int memory = shm_open("/work", O_RDWR | O_CREAT, 0600);
    must(memory >= 0 && !ftruncate(memory, 4096), "shm_open");
    auto* shared = static_cast<volatile int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
    if (fork() == 0) { *shared = 7; _exit(3); }
    int status = 0;
    must(wait(&status) > 0 && WEXITSTATUS(status) == 3 && *shared == 7, "fork");
    must(pclose(popen("exit 4", "r")) == 4 << 8, "popen");
    auto later = std::async(std::launch::async, [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); return 5; });
    must(later.wait_for(std::chrono::seconds(20)) == std::future_status::ready && later.get() == 5, "async");
    std::cout << "hello world\n";
}
)~"},

{"javascript", "a.js", R"~(const { Worker, isMainThread, workerData } = require("worker_threads");
if (!isMainThread) { Atomics.store(workerData, 0, 7); Atomics.notify(workerData, 0); return; }
const memory = new Int32Array(new SharedArrayBuffer(4));
new Worker(__filename, { workerData: memory });
Atomics.wait(memory, 0, 0);
const child = require("child_process").execFileSync("echo", ["hi"]).toString();
if (child !== "hi\n" || memory[0] !== 7 || !require("os").networkInterfaces().lo) process.exit(1);
const server = require("net").createServer((peer) => peer.end("hello"));
server.listen(0, "127.0.0.1", () => require("net").connect(server.address().port, "127.0.0.1")
    .on("data", () => { server.close(); setTimeout(() => console.log("hello world"), 5); }));
)~"},

{"java", "Main.java", R"~(import java.net.*;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.concurrent.*;
class Main {
    public static void main(String[] arguments) throws Exception {
        var timer = Executors.newScheduledThreadPool(2);
        var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var peer = timer.submit(() -> { server.accept().close(); return 5; });
        boolean well = new Socket(server.getInetAddress(), server.getLocalPort()).getInputStream().read() == -1;
        well &= new ProcessBuilder("sh", "-c", "exit 5").start().waitFor() == peer.get();
        var file = FileChannel.open(Path.of("x"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        file.map(FileChannel.MapMode.READ_WRITE, 0, 4096).put((byte) 1);
        well &= NetworkInterface.networkInterfaces().count() > 0;
        timer.schedule(() -> System.out.println("hello world"), 5, TimeUnit.MILLISECONDS).get();
        System.exit(well ? 0 : 1);
    }
}
)~"},

{"go", "a.go", R"~(package main
import ("fmt"; "io"; "net"; "os"; "os/exec"; "sync"; "syscall"; "time")
func must(err error) { if err != nil { fmt.Println(err); os.Exit(1) } }
func main() {
    server, err := net.Listen("tcp", "127.0.0.1:0"); must(err)
    go func() { peer, err := server.Accept(); must(err); io.WriteString(peer, "hello"); peer.Close() }()
    client, err := net.Dial("tcp", server.Addr().String()); must(err)
    said, err := io.ReadAll(client); must(err)
    child, err := exec.Command("echo", "hi").Output(); must(err)
    file, err := os.Create("/dev/shm/work"); must(err); must(file.Truncate(4096))
    memory, err := syscall.Mmap(int(file.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED); must(err)
    var all sync.WaitGroup
    for i := 0; i < 16; i++ { all.Add(1); go func() { memory[i] = byte(i); all.Done() }() }
    all.Wait()
    interfaces, err := net.Interfaces(); must(err)
    select { case <-time.After(5 * time.Millisecond): case <-time.After(time.Minute): os.Exit(2) }
    if string(said) != "hello" || string(child) != "hi\n" || memory[15] != 15 || len(interfaces) != 1 { os.Exit(3) }
    fmt.Println("hello world")
}
)~"},

{"ruby", "a.rb", R"~(require "socket"; require "open3"; require "timeout"
server = TCPServer.new("127.0.0.1", 0)
peer = Thread.new { one = server.accept; one.write("hello"); one.close }
abort "socket" unless TCPSocket.new("127.0.0.1", server.addr[1]).read == "hello"
peer.join
abort "popen" unless Open3.capture2("tr a-z A-Z", stdin_data: "hi")[0] == "HI"
reader, writer = IO.pipe
child = fork { writer.write("child"); exit! 3 }
writer.close
abort "fork" unless reader.read == "child" && Process.wait2(child)[1].exitstatus == 3
begin; Timeout.timeout(0.01) { sleep }; abort "timer"; rescue Timeout::Error; end
abort "threads" unless 8.times.map { |i| Thread.new { i * i } }.sum(&:value) == 140
puts "hello world"
)~"},

{"perl", "a.pl", R"~(use strict; use threads; use IO::Socket::INET; use Time::HiRes 'ualarm';
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
my $thread = threads->create(sub { print { $server->accept } "hello\n" });
my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die;
die unless <$client> eq "hello\n";
$thread->join;
die unless `echo hi` eq "hi\n";
my $memory = shmget(0, 4096, 0600) // die; shmwrite($memory, "x", 0, 1) or die; shmctl($memory, 0, 0) or die;
$SIG{ALRM} = sub { print "hello world\n"; exit 0 };
ualarm 5000; sleep 1 while 1;
)~"},

{"php", "a.php", R"~(<?php
$server = stream_socket_server("tcp://127.0.0.1:0");
$child = pcntl_fork();
if ($child === 0) { $one = stream_socket_accept($server, 20); fwrite($one, "hello"); fclose($one); exit(3); }
$client = stream_socket_client("tcp://" . stream_socket_get_name($server, false));
if (stream_get_contents($client) !== "hello") exit(1);
pcntl_waitpid($child, $status);
if (pcntl_wexitstatus($status) !== 3) exit(2);
$memory = shmop_open(7, "c", 0600, 16);
if (shmop_write($memory, "shared", 0) !== 6 || shmop_read($memory, 0, 6) !== "shared") exit(4);
if (shell_exec("echo hi") !== "hi\n") exit(5);
pcntl_async_signals(true);
pcntl_signal(SIGALRM, function () { echo "hello world\n"; exit(0); });
pcntl_alarm(1);
while (true) usleep(10000);
)~"},

{"rust", "a.rs", R"~(use std::io::{Read, Write}; use std::sync::{mpsc, Arc, Mutex}; use std::{net, process, thread, time};
fn main() {
    let server = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let peer = thread::spawn(move || server.accept().unwrap().0.write_all(b"hello").unwrap());
    let mut said = String::new();
    net::TcpStream::connect(at).unwrap().read_to_string(&mut said).unwrap();
    peer.join().unwrap();
    let child = process::Command::new("echo").arg("hi").output().unwrap();
    let sum = Arc::new(Mutex::new(0));
    let all: Vec<_> = (0..8).map(|i| { let sum = sum.clone(); thread::spawn(move || *sum.lock().unwrap() += i) }).collect();
    for one in all { one.join().unwrap(); }
    let (_keep, never) = mpsc::channel::<i32>();
    assert!(never.recv_timeout(time::Duration::from_millis(5)).is_err());
    assert!(said == "hello" && child.stdout == b"hi\n" && *sum.lock().unwrap() == 28);
    println!("hello world");
}
)~"},

{"d", "a.d", R"~(import core.thread, core.time, std.parallelism, std.process, std.socket, std.stdio;
void main() {
    auto server = new TcpSocket(); server.bind(new InternetAddress("127.0.0.1", InternetAddress.PORT_ANY)); server.listen(1);
    auto peer = new Thread({ auto one = server.accept(); one.send("hello"); one.close(); }).start();
    auto client = new TcpSocket(server.localAddress);
    char[8] text; assert(client.receive(text) == 5);
    peer.join();
    assert(executeShell("exit 3").status == 3);
    int[100] all; foreach (i, ref one; parallel(all[])) one = cast(int) i;
    Thread.sleep(5.msecs);
    assert(all[99] == 99);
    writeln("hello world");
}
)~"},

{"lua", "a.lua", R"~(local pipe = io.popen("echo hi; exit 3")
assert(pipe:read("a") == "hi\n")
local _, _, code = pipe:close()
assert(code == 3 and os.execute("test -w /dev/shm"))
print("hello world")
)~"},

{"dash", "a.sh", R"~(set -e
mkfifo pipe; { echo through > pipe & }; read -r word < pipe; [ "$word" = through ]
sleep 0.01 & wait $!
trap 'echo hello world; exit 0' USR1; kill -USR1 $$; exit 1
)~"},

{"bash", "a.sh", R"~(set -e
coproc cat; echo hello >&"${COPROC[1]}"; read -r word <&"${COPROC[0]}"; [ "$word" = hello ]
mkfifo pipe; { echo through > pipe & }; read -r word < pipe; [ "$word" = through ]
[ "$(seq 1 9999 | sort -n | tail -1)" = 9999 ]; sleep 0.01 & wait $!
read -rt 0.01 < <(sleep 1) || echo "hello world"
)~"},
};
// clang-format on

}  // namespace

TEST_CASE(
    "threads, children, sockets, shared memory and timers work in every language of the host") {
    // Generous, so that the same test holds on an emulated machine, where a compiler takes a while.
    const support::EngineProcess engine{{"limits.compile.wall_time=120s",
                                         "limits.compile.cpu_time=120s", "limits.run.wall_time=60s",
                                         "limits.run.cpu_time=60s"}};
    const auto runtimes = engine.get("/api/v2/runtimes").json();
    for (const auto& sample : samples) {
        std::vector<std::string> versions;
        for (const auto& runtime : runtimes) {
            if (runtime["language"] == sample.language) versions.push_back(runtime["version"]);
        }
        if (versions.empty()) MESSAGE("skipped: this host has no " << sample.language);
        for (const auto& version : versions) {
            CAPTURE(sample.language);
            CAPTURE(version);
            const auto answer =
                engine.run(sample.language, "",
                           {{"version", version},
                            {"files", {{{"name", sample.file}, {"content", sample.text}}}}});
            CAPTURE(answer.dump());
            CHECK(answer["run"]["stdout"] == "hello world\n");
            CHECK(answer["run"]["stderr"] == "");
            CHECK(answer["run"]["code"] == 0);
        }
    }
}
