using CapVault.Cli;
using CapVault.Relayer.Storage;

namespace CapVault.IntegrationTests;

/// <summary><c>capvault migrate</c>.</summary>
public sealed class MigrateTests
{
    [Fact]
    public async Task An_empty_PostgreSQL_gets_the_schema_once()
    {
        var server = await PostgresServer.GetAsync();
        var database = await server.CreateDatabaseAsync();

        (await RunAsync("migrate", "--database", database)).Should().Match<(int Code, string Output, string Error)>(first => first.Code == ExitCode.Ok && first.Output.Contains("0001_initial"));
        (await RunAsync("migrate", "--database", database)).Should().Be((ExitCode.Ok, "The database is up to date.\n", ""));

        await using (var db = await PostgresDb.OpenAsync(database, default))
        {
            db.Migrated.Should().BeEmpty("nothing is left to a relayer");
        }

        await server.DropDatabaseAsync(database);
    }

    [Fact]
    public async Task A_schema_of_a_newer_relayer_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        (await RunAsync("migrate", "--data-directory", folder.Path)).Code.Should().Be(ExitCode.Ok);
        await using (var db = await SqliteDb.OpenAsync(folder.Path, default))
        {
            await db.WriteAsync(tx => tx.ExecuteAsync("INSERT INTO migration (number, name, checksum) VALUES (9999, '9999_later', @none)", new { none = new byte[1] }), default);
        }

        var (code, output, error) = await RunAsync("migrate", "--data-directory", folder.Path);

        (code, output).Should().Be((ExitCode.Failure, ""));
        error.Should().Contain("9999_later").And.Contain("newer relayer");
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_named_without_its_password()
    {
        var (code, _, error) = await RunAsync("migrate", "--database", "Host=/nowhere/at/all;Database=x;Username=x;Password=hunter2");
        code.Should().Be(ExitCode.Failure);
        error.Should().Contain("/nowhere/at/all").And.NotContain("hunter2");
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] line)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CapVaultCli.RunAsync(line, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
