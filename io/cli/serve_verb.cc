#include "io/cli/serve_verb.h"

#include <memory>
#include <string>

#include "io/cli/machine.h"
#include "io/cli/options.h"
#include "io/cli/words.h"
#include "io/net/config_file.h"
#include "io/net/server.h"

namespace clearline {

void add_serve_verb(Verb app, Command& command) {
  auto path = std::make_shared<std::string>();
  const Verb verb = app.add_verb("serve", "Serve feeds of declarations, and changes, until SIGTERM");
  verb.add_option("--config", *path, "Configuration; 'clearline config init' writes one")
      .required()
      .not_empty()
      .type("FILE");
  verb.footer(
      "Says `listening feed 127.0.0.1:7400` and the like on stdout for each listener, with the address it really has, "
      "and\n"
      "`ready` when it is. Logs JSON lines to stderr. SIGTERM answers what was received and ends; SIGHUP reads policy "
      "and\n"
      "clients again.\n\n"
      "Examples:\n"
      "  clearline config init server.toml && clearline serve --config server.toml\n"
      "  nc -N 127.0.0.1 7400 < day.ndjson > verdicts.ndjson\n\n"
      "Exit: 0 stopped by a signal, 4 registry missing, damaged, or in use by another writer, 78 configuration wrong, "
      "or an\n"
      "address that cannot be listened on.");
  verb.when_chosen([path, &command] {
    command.run = [path]() -> Status {
      auto config = read_config(*path);
      if (!config.ok()) return config.status();
      ServerRequest request;
      request.config = std::move(*config);
      request.processors = usable_processors();
      request.config_path = *path;
      request.version = CLEARLINE_VERSION;
      request.tell = [](const std::string& line) { return tell(line + "\n"); };
      return run_server(request);
    };
  });
}

}  // namespace clearline
