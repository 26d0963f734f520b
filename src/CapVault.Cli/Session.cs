using System.CommandLine;
using CapVault.Cli.Sandbox;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Cli;

/// <summary>One invocation: its values, whom it acts for, where it prints.</summary>
internal sealed class Session
{
    private readonly ParseResult _parsed;

    public Session(ParseResult parsed)
    {
        _parsed = parsed;
        Json = parsed.GetValue(GlobalOptions.Json);
        Print = new Printer(parsed.InvocationConfiguration.Output, Json);
        Folder = new SandboxFolder(parsed.GetValue(GlobalOptions.Dir));
    }

    public bool Json { get; }

    public Printer Print { get; }

    public SandboxFolder Folder { get; }

    public T? Value<T>(Option<T> option) => _parsed.GetValue(option);

    public T Value<T>(Argument<T> argument) => _parsed.GetValue(argument)!; // parsing has made sure of those that are required

    /// <summary>Acts as an agent: <c>--key</c>, else <c>--as</c>, else the side that the command is for.</summary>
    public AgentClient Agent(Role? side) => new(Connection() with { Executor = Executor() }, AgentKey(side));

    /// <summary>Whether consents and steps are signed here, because the agent holds its Executor itself.</summary>
    public bool SignsItself => _parsed.GetValue(GlobalOptions.ExecutorKeyFile) is not null;

    /// <summary>For people, beside what a program reads from the output.</summary>
    public void Warn(string line) => _parsed.InvocationConfiguration.Error.WriteLine(line);

    /// <summary>Looks at what is on offer, as anybody may.</summary>
    public DiscoveryClient Discovery() => new(Connection());

    /// <summary>Acts as the operator or an Owner: <c>--key</c>, else the sandbox's operator key.</summary>
    public SetupClient Setup() => new(Connection(), _parsed.GetValue(GlobalOptions.Key) ?? OperatorKey());

    /// <summary>The running sandbox.</summary>
    public SandboxFile Sandbox() => Folder.ReadSandbox();

    /// <summary>The private key of the sandbox's Owner that <c>--as</c> names.</summary>
    public string SandboxOwnerKey()
    {
        var name = _parsed.GetValue(GlobalOptions.As)
            ?? throw new CliException("Found neither --key-file nor --as, expected one.", "Next: add --key-file, or --as requester or --as provider in a sandbox.", ExitCode.Usage);
        _ = SandboxOfKeys();
        return SandboxFolder.Read<List<SandboxOwner>>(Folder.OwnersJson)?.Find(owner => owner.Name == name)?.PrivateKey
            ?? throw new CliException($"The sandbox has no Owner of {name}.", "Next: give a key with --key-file.", ExitCode.Usage);
    }

    /// <summary>Where the relayer is.</summary>
    public Config Connection()
    {
        var address = _parsed.GetValue(GlobalOptions.Api) is { } api
            ? new Config { BaseUrl = api }
            : new Config { BaseUrl = Sandbox().ApiUrl, WsUrl = Sandbox().WsUrl, RpcUrl = Sandbox().RpcUrl };
        return address with { MaxRetries = 2 }; // somebody waits for the answer
    }

    private ExecutorSigner? Executor()
    {
        if (_parsed.GetValue(GlobalOptions.ExecutorKeyFile) is not { } file)
        {
            return null;
        }

        var account = _parsed.GetValue(GlobalOptions.Account)
            ?? throw new CliException("Found --executor-key-file without --account: an Executor signs for one account only.", "Next: add --account, the agent's wallet.", ExitCode.Usage);
        return new ExecutorSigner(account, PrivateKey(file));
    }

    /// <summary>The private key that a file holds; what else it holds is never shown.</summary>
    public static EthECKey PrivateKey(FileInfo file)
    {
        var key = File.ReadAllText(file.FullName).Trim();
        return key.Length == 66 && key.StartsWith("0x", StringComparison.Ordinal) && key.IsHex()
            ? new EthECKey(key)
            : throw new CliException($"{file.FullName} holds no private key, expected 0x and 64 hex digits.", "", ExitCode.Usage);
    }

    private string AgentKey(Role? side)
    {
        if (_parsed.GetValue(GlobalOptions.Key) is { } key)
        {
            return key;
        }

        var name = _parsed.GetValue(GlobalOptions.As) ?? side?.Value
            ?? throw new CliException("Found neither --as nor --key, expected one: either side may do this.", "Next: add --as requester or --as provider.", ExitCode.Usage);
        return SandboxOfKeys().Agents.FirstOrDefault(agent => agent.Name == name)?.SdkKey
            ?? throw new CliException($"The sandbox has no agent named {name}.", "Next: give its key with --key.", ExitCode.Usage);
    }

    private string OperatorKey()
    {
        _ = SandboxOfKeys();
        return Folder.ReadOperatorKey();
    }

    // A key goes to the relayer that made it, and to nobody else.
    private SandboxFile SandboxOfKeys() => _parsed.GetValue(GlobalOptions.Api) is null
        ? Sandbox()
        : throw new CliException("Found --api without a key: the sandbox's keys are for the sandbox's relayer.", "Next: add --key.", ExitCode.Usage);
}
