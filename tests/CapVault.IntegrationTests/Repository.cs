using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace CapVault.IntegrationTests;

/// <summary>The checkout that the tests were built from, and its tools.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>A program that npm installed, or else one on PATH.</summary>
    public static string Tool(string name)
    {
        var path = Path.Combine(Root, "node_modules", ".bin", name);
        return File.Exists(path) ? path : name;
    }

    /// <summary>Runs a program in the repository's root and returns what it prints.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // The compiler and cast are npm's too.
        start.Environment["PATH"] = Path.Combine(Root, "node_modules", ".bin") + Path.PathSeparator + start.Environment["PATH"];
        start.Environment["FOUNDRY_SOLC"] = Path.Combine(Root, "scripts", "solc");
        start.Environment["FOUNDRY_DISABLE_NIGHTLY_WARNING"] = "1";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{Path.GetFileName(program)} {string.Join(' ', arguments)}: exit {process.ExitCode}:\n{output}\n{await errors}");
    }

    private static string FindRoot([CallerFilePath] string thisFile = "")
    {
        var folder = Path.GetDirectoryName(thisFile);
        while (folder is not null && !File.Exists(Path.Combine(folder, "CapVault.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException($"Found no CapVault.sln above {thisFile}: run the tests from their checkout.");
    }
}
