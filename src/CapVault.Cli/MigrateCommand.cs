using System.CommandLine;
using CapVault.Cli.Sandbox;

namespace CapVault.Cli;

/// <summary><c>migrate</c>: brings a relayer's database up to date, before relayers of a new version start.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var database = new Option<string?>("--database")
        {
            Description = "PostgreSQL connection string. The default is CapVault__Database of the environment; without it SQLite in the data directory.",
            HelpName = "Host=…;Database=…",
        };
        var directory = new Option<DirectoryInfo?>("--data-directory") { Description = "Folder of a SQLite database. The default is CapVault__DataDirectory, or 'data'.", HelpName = "folder" };
        return new Command("migrate", "Bring a relayer's database up to date; refuses one that is newer, or whose migrations were altered.") { database, directory }.Runs(
            async (session, cancellationToken) =>
            {
                // Not on its command line, which everybody on the machine can read: a connection string holds a password.
                var environment = new Dictionary<string, string>(StringComparer.Ordinal);
                if (session.Value(database) is { } connectionString)
                {
                    environment["CapVault__Database"] = connectionString;
                }

                if (session.Value(directory) is { } folder)
                {
                    environment["CapVault__DataDirectory"] = folder.FullName;
                }

                var (dotnet, relayer) = Toolchain.FindRelayer(ProjectRoot.Require());
                var (exitCode, output) = await Tool.RunAsync(dotnet, [relayer, "migrate"], Directory.GetCurrentDirectory(), environment, cancellationToken)
                    ?? throw new CliException($"Found no {dotnet}.", "Next: install the .NET 10 SDK from https://dot.net and try again.");
                if (exitCode != 0)
                {
                    throw new CliException(output.Trim(), "");
                }

                var applied = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                session.Print.Result(new { applied }, print => print.Line(applied.Length == 0 ? "The database is up to date." : $"Applied {string.Join(", ", applied)}."));
            });
    }
}
