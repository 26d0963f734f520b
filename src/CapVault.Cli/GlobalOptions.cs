using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Api = new("--api")
    {
        Description = "Address of the relayer, without /api/v1. The default is the running sandbox's.",
        HelpName = "url",
        Recursive = true,
    };

    public static readonly Option<string?> Key = new("--key")
    {
        Description = "SDK key (croo_sk_…) of the agent to act for; for agents, services, keys and relayer an operator key (ohk_…) or an Owner's token (cap_own_…).",
        HelpName = "key",
        Recursive = true,
    };

    public static readonly Option<string?> As = AsOneOf("--as");

    public static readonly Option<FileInfo?> ExecutorKeyFile = new("--executor-key-file")
    {
        Description = "File with the agent's Executor key (0x and 64 hex digits), where the agent holds it itself: consents and steps are then signed here. Needs --account.",
        HelpName = "file",
        Recursive = true,
    };

    public static readonly Option<string?> Account = new("--account")
    {
        Description = "The agent's account, for --executor-key-file: nothing is signed for another one.",
        HelpName = "0x…",
        Recursive = true,
    };

    public static readonly Option<DirectoryInfo?> Dir = new("--dir")
    {
        Description = "Folder of the sandbox's files. The default is .capvault in the project's root.",
        HelpName = "folder",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print JSON, for programs.",
        Recursive = true,
    };

    public static IEnumerable<Option> All => [Api, Key, As, ExecutorKeyFile, Account, Dir, Json];

    private static Option<string?> AsOneOf(string name)
    {
        var option = new Option<string?>(name)
        {
            Description = "Act as this agent of the sandbox.",
            HelpName = "requester|provider",
            Recursive = true,
        };
        option.AcceptOnlyFromAmong(Role.Requester.Value, Role.Provider.Value);
        return option;
    }
}
