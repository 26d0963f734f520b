using System.Globalization;

namespace CapVault.Cli.Sandbox;

/// <summary>The programs that the sandbox is made of, checked before anything starts.</summary>
/// <param name="Root">The checkout.</param>
/// <param name="Anvil">Anvil itself.</param>
/// <param name="Forge">Forge itself.</param>
/// <param name="Dotnet">The .NET host.</param>
/// <param name="Relayer">The relayer's assembly.</param>
internal sealed record Toolchain(string Root, string Anvil, string Forge, string Dotnet, string Relayer)
{
    private const int OldestNode = 20;

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    /// <summary>What child processes need: npm's programs on PATH, and a compiler for Foundry.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["PATH"] = Path.Combine(Root, "node_modules", ".bin") + Path.PathSeparator + System.Environment.GetEnvironmentVariable("PATH"),
        ["FOUNDRY_SOLC"] = Path.Combine(Root, "scripts", "solc"), // absolute: forge resolves a relative one against the current folder
        ["FOUNDRY_DISABLE_NIGHTLY_WARNING"] = "1",
    };

    /// <summary>Finds everything, or says what is missing and how to get it.</summary>
    /// <exception cref="CliException">Something is missing.</exception>
    public static async Task<Toolchain> FindAsync(CancellationToken cancellationToken)
    {
        var root = ProjectRoot.Require();
        await RequireNodeAsync(root, cancellationToken);
        if (!Directory.Exists(Path.Combine(root, "node_modules", "@openzeppelin", "contracts")))
        {
            throw new CliException(
                $"Found no npm packages in {root}/node_modules, expected Foundry, solc and OpenZeppelin.", $"Next: (cd {root} && npm ci)");
        }

        var (dotnet, relayer) = FindRelayer(root);
        await RequireAspNetAsync(dotnet, root, cancellationToken);
        return new Toolchain(root, Native(root, "anvil"), Native(root, "forge"), dotnet, relayer);
    }

    /// <summary>The .NET host, and the relayer's assembly.</summary>
    /// <exception cref="CliException">It is not built.</exception>
    public static (string Dotnet, string Relayer) FindRelayer(string root)
    {
        var relayer = Path.Combine(root, "src", "CapVault.Relayer", "bin", Configuration, "net10.0", "CapVault.Relayer.dll");
        return File.Exists(relayer)
            ? (DotnetHost(), relayer)
            : throw new CliException($"The relayer is not built: there is no {relayer}.", $"Next: dotnet build -c {Configuration} {root}/src/CapVault.Relayer");
    }

    private static async Task RequireNodeAsync(string root, CancellationToken cancellationToken)
    {
        var node = await Tool.RunAsync("node", ["--version"], root, NoVariables, cancellationToken);
        var version = node?.Output.Trim() ?? "no Node";
        var major = version.TrimStart('v').Split('.')[0];
        if (!int.TryParse(major, CultureInfo.InvariantCulture, out var number) || number < OldestNode)
        {
            throw new CliException(
                $"Found {version}, expected Node {OldestNode} or newer: Foundry's compiler runs on it.", "Next: install Node from https://nodejs.org and try again.");
        }
    }

    private static async Task RequireAspNetAsync(string dotnet, string root, CancellationToken cancellationToken)
    {
        var runtimes = await Tool.RunAsync(dotnet, ["--list-runtimes"], root, NoVariables, cancellationToken);
        if (runtimes?.Output.Contains("Microsoft.AspNetCore.App 10.", StringComparison.Ordinal) != true)
        {
            throw new CliException(
                $"{dotnet} has no ASP.NET Core 10, which the relayer runs on.", "Next: install the .NET 10 SDK from https://dot.net and try again.");
        }
    }

    private static string DotnetHost() =>
        System.Environment.ProcessPath is { } own && Path.GetFileNameWithoutExtension(own) == "dotnet" ? own : "dotnet";

    // npm brings the native binaries, so that the process we start is Anvil itself; where npm has none (macOS, ARM), PATH does.
    private static string Native(string root, string name)
    {
        var packaged = Path.Combine(root, "node_modules", ".bin", name);
        if (File.Exists(packaged))
        {
            return packaged;
        }

        var found = (System.Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
        return found ?? throw new CliException(
            $"Found {name} neither in node_modules/.bin nor on PATH.", $"Next: (cd {root} && npm ci); on other systems install Foundry 1.7.1 from https://getfoundry.sh");
    }

    private static readonly Dictionary<string, string> NoVariables = [];
}
