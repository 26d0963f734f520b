namespace CapVault.Relayer.Storage;

/// <summary><c>CapVault.Relayer migrate</c>: brings the schema up to date and ends. A relayer does the same when it starts, if its user may.</summary>
public static class MigrateCommand
{
    /// <summary>Applies what is missing, and writes the names of what it has applied, one on a line.</summary>
    /// <param name="args">Settings, as for the relayer: <c>--CapVault:Database=…</c>, or <c>CapVault__Database</c> in the environment.</param>
    /// <param name="output">For the names.</param>
    /// <param name="error">For what is wrong.</param>
    /// <param name="cancellationToken">Cancels it; nothing stays.</param>
    /// <returns>0, or 1 if the schema is newer or altered, or the database cannot be used.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var options = new RelayerOptions();
        new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build().GetSection("CapVault").Bind(options);
        try
        {
            await using var db = await Db.OpenAsync(options, cancellationToken);
            foreach (var name in db.Migrated)
            {
                await output.WriteLineAsync(name);
            }

            return 0;
        }
        catch (InvalidOperationException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return 1;
        }
    }
}
