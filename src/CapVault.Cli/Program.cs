// The sandbox is on this machine, where a proxy of the environment cannot reach it; what is started from here inherits this.
const string noProxy = "NO_PROXY";
var others = Environment.GetEnvironmentVariable(noProxy) ?? Environment.GetEnvironmentVariable("no_proxy");
Environment.SetEnvironmentVariable("no_proxy", null);
Environment.SetEnvironmentVariable(noProxy, string.Join(',', new[] { "127.0.0.1", "localhost", others }.Where(host => !string.IsNullOrEmpty(host))));

return await CapVault.Cli.CapVaultCli.RunAsync(args, Console.Out, Console.Error);
