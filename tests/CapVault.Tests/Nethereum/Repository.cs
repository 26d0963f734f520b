using System.Diagnostics;

namespace CapVault.Tests;

/// <summary>The checkout that the tests were built from, and its tools.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string File(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>What Foundry's cast prints for the arguments.</summary>
    public static string Cast(params string[] arguments) => Run(Tool("cast"), arguments).Trim();

    /// <summary>A program that npm installed.</summary>
    public static string Tool(string name)
    {
        var path = File("node_modules", ".bin", name);
        return System.IO.File.Exists(path) ? path : throw new FileNotFoundException($"Found no {path}: run npm ci in {Root}.");
    }

    /// <summary>Runs a program in the repository's root and returns what it prints.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{Path.GetFileName(program)} {string.Join(' ', arguments)}: exit {process.ExitCode}: {errors.Result}");
    }

    private static string FindRoot([System.Runtime.CompilerServices.CallerFilePath] string thisFile = "")
    {
        var folder = Path.GetDirectoryName(thisFile);
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder, "CapVault.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException($"Found no CapVault.sln above {thisFile}: run the tests from their checkout.");
    }
}
