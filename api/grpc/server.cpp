#include "api/grpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <stop_token>
#include <thread>

#include "api/grpc/doorkeeper.h"
#include "api/grpc/service.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace rpc {

namespace {

// How soon the health service tells that the engine cannot run jobs, or can again.
constexpr auto look_again = std::chrono::seconds{1};
// Answers that are written when the engine is told to stop get this long.
constexpr auto last_words = std::chrono::seconds{1};

// What the library has to say goes where everything goes, one event a line.
void write_log(gpr_log_func_args* said) {
    if (said->severity != GPR_LOG_SEVERITY_ERROR) return;
    sys::log(sys::Level::warn, "grpc", {{"message", said->message}});
}

int milliseconds(config::Milliseconds time) {
    constexpr auto most = std::numeric_limits<int>::max();
    return static_cast<int>(std::min<config::Milliseconds::rep>(time.count(), most));
}

void limit(grpc::ServerBuilder& builder, const config::Settings& settings) {
    const auto& own = settings.grpc;
    builder.SetMaxReceiveMessageSize(static_cast<int>(own.message_limit.count));
    // The library measures a message before it decompresses it, and not after.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.SetResourceQuota(grpc::ResourceQuota{"crankcase"}.Resize(own.memory.count));
    // Pings of clients that come more often than this are a waste; the third such ends it.
    constexpr int soonest_ping = 10'000;
    constexpr int ping_patience = 20'000;
    const std::pair<const char*, int> arguments[] = {
        {GRPC_ARG_ALLOW_REUSEPORT, 0},  // or two engines share a port without a word
        {GRPC_ARG_MAX_CONCURRENT_STREAMS, own.max_calls},
        {GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(settings.server.header_limit.count)},
        {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(settings.server.header_timeout)},
        {GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(own.idle_timeout)},
        {GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(own.ping_interval)},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ping_patience},
        {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
        {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, soonest_ping},
    };
    for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
}

}  // namespace

class Server::Running {
public:
    Running(const config::Settings& settings, resources::Context& context)
        : readiness_(context.readiness),
          doorkeeper_(settings.grpc.max_calls),
          service_(make_code_executor(context, doorkeeper_)) {
        gpr_set_log_function(write_log);
        grpc::EnableDefaultHealthCheckService(true);
        grpc::reflection::InitProtoReflectionServerBuilderPlugin();
        grpc::ServerBuilder builder;
        limit(builder, settings);
        builder.AddListeningPort(settings.grpc.listen, grpc::InsecureServerCredentials(), &port_);
        builder.RegisterService(service_.get());
        server_ = builder.BuildAndStart();
        if (!server_ || port_ == 0) {
            throw sys::Error(sys::Kind::broken,
                             "cannot listen on " + settings.grpc.listen + " (grpc.listen)");
        }
        // As others ask for it; asked for no name, the service is there from the beginning.
        server_->GetHealthCheckService()->SetServingStatus("executor.CodeExecutor", true);
        watch_ = std::jthread{[this](const std::stop_token& stop) { watch(stop); }};
    }

    ~Running() {
        watch_.request_stop();
        watch_.join();
        server_->Shutdown(std::chrono::system_clock::now() + last_words);
        server_->Wait();
    }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    int port() const { return port_; }

    void stop_accepting() {
        doorkeeper_.shut();
        watch_.request_stop();
        // For good, even if somebody should say otherwise.
        server_->GetHealthCheckService()->Shutdown();
    }

private:
    void watch(const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock{mutex};
        for (bool was_well = true; !stop.stop_requested();) {
            const bool is_well = readiness_.trouble().empty();
            if (is_well != was_well) server_->GetHealthCheckService()->SetServingStatus(is_well);
            was_well = is_well;
            never.wait_for(lock, stop, look_again, [] { return false; });
        }
    }

    resources::Readiness& readiness_;
    Doorkeeper doorkeeper_;
    const std::shared_ptr<grpc::Service> service_;
    int port_ = 0;
    std::unique_ptr<grpc::Server> server_;
    std::jthread watch_;
};

Server::Server(const config::Settings& settings, resources::Context& context)
    : running_(std::make_unique<Running>(settings, context)) {}

Server::~Server() = default;

std::uint16_t Server::port() const {
    return static_cast<std::uint16_t>(running_->port());
}

void Server::stop_accepting() {
    running_->stop_accepting();
}

}  // namespace rpc
