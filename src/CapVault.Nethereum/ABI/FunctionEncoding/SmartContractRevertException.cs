namespace Nethereum.ABI.FunctionEncoding;

/// <summary>A call reverted with Error(string).</summary>
public class SmartContractRevertException : Exception
{
    public SmartContractRevertException(string message, string encodedData, Exception innerException = null)
        : base("Smart contract error: " + message, innerException)
    {
        RevertMessage = message;
        EncodedData = encodedData;
    }

    /// <summary>The text that the contract gave.</summary>
    public string RevertMessage { get; set; }

    /// <summary>The revert data, as hexadecimal with 0x.</summary>
    public string EncodedData { get; set; }
}
